-- What the person did about a dead letter, and each time it came.
ALTER TABLE dead_letters ADD COLUMN act TEXT CHECK (act IS NULL OR act IN ('returned', 'resubmitted', 'accepted', 'discarded'));
ALTER TABLE dead_letters ADD COLUMN act_at INTEGER;
ALTER TABLE dead_letters ADD COLUMN act_note TEXT;
ALTER TABLE dead_letters ADD COLUMN act_decision TEXT;
CREATE TABLE letter_attempts (
    endpoint TEXT NOT NULL,
    list     TEXT NOT NULL,
    item     TEXT NOT NULL,
    line     INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    problems TEXT NOT NULL CHECK (json_valid(problems)),
    raw      TEXT NOT NULL,
    PRIMARY KEY (endpoint, list, item, line)
) STRICT, WITHOUT ROWID;
INSERT INTO letter_attempts (endpoint, list, item, line, at, problems, raw)
    SELECT endpoint, list, item, line, at, problems, raw FROM dead_letters;
