-- What was answered is never overwritten: other bytes under its id and version are another edition of the question.
CREATE TABLE escalations_with_editions (
    endpoint   TEXT NOT NULL,
    escalation TEXT NOT NULL,
    version    TEXT NOT NULL,
    edition    INTEGER NOT NULL CHECK (edition >= 0),
    agent      TEXT NOT NULL,
    task       TEXT,
    phase      TEXT NOT NULL CHECK (phase IN ('pending', 'answered', 'expired', 'withdrawn', 'superseded')),
    status     TEXT NOT NULL CHECK (status IN ('pending', 'resolved', 'withdrawn', 'expired')),
    created_at INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    expires_at INTEGER,
    fallback   TEXT NOT NULL,
    line       INTEGER NOT NULL,
    value      TEXT NOT NULL,
    raw        TEXT NOT NULL,
    action_raw TEXT,
    PRIMARY KEY (endpoint, escalation, version, edition)
) STRICT;
INSERT INTO escalations_with_editions
SELECT endpoint, escalation, version, 0, agent, task, phase, coalesce(json_extract(value, '$.status'), 'pending'), created_at, due_at,
    expires_at, fallback, line, value, raw, action_raw
FROM escalations ORDER BY rowid;
DROP TABLE escalations;
ALTER TABLE escalations_with_editions RENAME TO escalations;
CREATE INDEX escalations_by_phase ON escalations (phase, due_at);
CREATE INDEX escalations_by_task ON escalations (endpoint, task, phase);
CREATE TRIGGER escalations_text_in AFTER INSERT ON escalations
BEGIN
    INSERT INTO texts (kind, endpoint, item)
    SELECT 'question', NEW.endpoint, NEW.escalation WHERE NOT EXISTS (SELECT 1 FROM texts WHERE kind = 'question' AND endpoint = NEW.endpoint AND item = NEW.escalation);
    DELETE FROM texts_words WHERE rowid = (SELECT id FROM texts WHERE kind = 'question' AND endpoint = NEW.endpoint AND item = NEW.escalation);
    INSERT INTO texts_words (rowid, title, body)
    SELECT id, coalesce(json_extract(NEW.value, '$.title'), ''), NEW.escalation || ' ' || NEW.agent || ' ' || coalesce(json_extract(NEW.value, '$.message'), '') FROM texts WHERE kind = 'question' AND endpoint = NEW.endpoint AND item = NEW.escalation;
END;
CREATE TRIGGER escalations_text_over AFTER UPDATE OF value ON escalations WHEN NEW.value <> OLD.value
BEGIN
    DELETE FROM texts_words WHERE rowid = (SELECT id FROM texts WHERE kind = 'question' AND endpoint = NEW.endpoint AND item = NEW.escalation);
    INSERT INTO texts_words (rowid, title, body)
    SELECT id, coalesce(json_extract(NEW.value, '$.title'), ''), NEW.escalation || ' ' || NEW.agent || ' ' || coalesce(json_extract(NEW.value, '$.message'), '') FROM texts WHERE kind = 'question' AND endpoint = NEW.endpoint AND item = NEW.escalation;
END;

-- A decision keeps what was shown, for whom and where to, and what the agent put in its place afterwards.
ALTER TABLE decisions ADD COLUMN agent TEXT NOT NULL DEFAULT '';
ALTER TABLE decisions ADD COLUMN edition INTEGER NOT NULL DEFAULT 0 CHECK (edition >= 0);
ALTER TABLE decisions ADD COLUMN shown TEXT NOT NULL DEFAULT '';
ALTER TABLE decisions ADD COLUMN action_key TEXT;
ALTER TABLE decisions ADD COLUMN class TEXT NOT NULL DEFAULT 'outward' CHECK (class IN ('reversible', 'outward', 'destructive'));
ALTER TABLE decisions ADD COLUMN origin TEXT;
ALTER TABLE decisions ADD COLUMN altered TEXT;
ALTER TABLE decisions ADD COLUMN altered_at INTEGER;
ALTER TABLE decisions ADD COLUMN altered_seen_at INTEGER;
UPDATE decisions SET (agent, shown) = (
    SELECT e.agent, e.raw FROM escalations e
    WHERE e.endpoint = decisions.endpoint AND e.escalation = decisions.escalation AND e.version = decisions.version)
WHERE EXISTS (
    SELECT 1 FROM escalations e
    WHERE e.endpoint = decisions.endpoint AND e.escalation = decisions.escalation AND e.version = decisions.version);
DROP INDEX one_decision_per_question;
CREATE UNIQUE INDEX one_decision_per_question ON decisions (endpoint, escalation, version, edition) WHERE undone_at IS NULL;
CREATE INDEX decisions_by_action ON decisions (endpoint, agent, action_key, decided_at) WHERE action_key IS NOT NULL;
CREATE INDEX decisions_altered ON decisions (altered_at) WHERE altered IS NOT NULL AND altered_seen_at IS NULL;
DROP TRIGGER decisions_say_what_was_said;
CREATE TRIGGER decisions_say_what_was_said BEFORE UPDATE OF id, endpoint, escalation, version, edition, agent, binding_hash, shown, action_key, class, origin, outcome, body, decided_at, considered, shown_ms ON decisions
BEGIN SELECT RAISE(ABORT, 'a decision is never changed'); END;
