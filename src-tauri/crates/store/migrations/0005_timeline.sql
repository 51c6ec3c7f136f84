-- What happened, by time: the turns of tasks, claims, handoffs, limits and endpoints, of which the other tables keep only
-- the last. Accesses and findings have times of their own and are found by them.
CREATE TABLE moments (
    at       INTEGER NOT NULL,
    kind     TEXT NOT NULL CHECK (kind IN ('task', 'claim', 'handoff', 'artifact', 'context', 'question', 'limit', 'endpoint')),
    endpoint TEXT NOT NULL,
    item     TEXT NOT NULL,
    word     TEXT NOT NULL CHECK (length(word) > 0),
    agent    TEXT NOT NULL,
    task     TEXT,
    about    TEXT NOT NULL,
    line     INTEGER NOT NULL,
    PRIMARY KEY (at, kind, endpoint, item, word)
) STRICT, WITHOUT ROWID;
CREATE INDEX moments_of_item ON moments (kind, endpoint, item, at);
CREATE INDEX accesses_by_time ON accesses (at);
CREATE INDEX findings_by_time ON findings (at);

-- What is still known of the time before.
INSERT INTO moments (at, kind, endpoint, item, word, agent, task, about, line)
SELECT state_since, 'task', endpoint, task, state, agent, task, title, line FROM tasks;
INSERT OR IGNORE INTO moments (at, kind, endpoint, item, word, agent, task, about, line)
SELECT at, kind, endpoint, id, coalesce(json_extract(value, '$.state'), 'given'), agent, task, coalesce(json_extract(value, '$.resource'), json_extract(value, '$.to'), id), line
FROM records WHERE kind IN ('claim', 'handoff') AND json_valid(value);
INSERT OR IGNORE INTO moments (at, kind, endpoint, item, word, agent, task, about, line)
SELECT observed_at, 'limit', endpoint, pool || ' ' || window, 'refused', agent, NULL, pool, 0 FROM quota_samples WHERE rejected = 1;
