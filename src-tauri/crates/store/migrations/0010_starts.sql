-- When work began, of each agent and kind of work: what shows a habit nobody told of. Only the latest of each are kept.
CREATE TABLE starts (
    endpoint TEXT NOT NULL,
    task     TEXT NOT NULL,
    agent    TEXT NOT NULL,
    kind     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (endpoint, task)
) STRICT, WITHOUT ROWID;
CREATE INDEX starts_by_kind ON starts (endpoint, agent, kind, at);

-- What is still known of the time before.
INSERT INTO starts (endpoint, task, agent, kind, at)
SELECT endpoint, task, agent, coalesce(json_extract(value, '$.kind'), ''), unixepoch(json_extract(value, '$.startedAt')) * 1000000
FROM tasks WHERE json_valid(value) AND json_extract(value, '$.parentId') IS NULL AND unixepoch(json_extract(value, '$.startedAt')) IS NOT NULL;
