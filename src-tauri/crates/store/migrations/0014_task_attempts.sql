-- Each time a task was begun: what was told of it, and how it ended. The latest of each task are kept.
CREATE TABLE task_attempts (
    endpoint TEXT NOT NULL,
    task     TEXT NOT NULL,
    run      INTEGER NOT NULL CHECK (run > 0),
    attempt  INTEGER,
    state    TEXT NOT NULL CHECK (state IN ('submitted', 'working', 'input-required', 'auth-required', 'completed', 'failed', 'canceled', 'rejected', 'unknown')),
    began_at INTEGER,
    ended_at INTEGER,
    cut      INTEGER NOT NULL CHECK (cut IN (0, 1)),
    reason   TEXT,
    line     INTEGER NOT NULL,
    PRIMARY KEY (endpoint, task, run)
) STRICT, WITHOUT ROWID;

-- Of the time before, only how each stands now is known.
INSERT INTO task_attempts (endpoint, task, run, attempt, state, began_at, ended_at, cut, reason, line)
SELECT endpoint, task, 1,
    CASE WHEN json_type(value, '$.attempt') = 'integer' THEN json_extract(value, '$.attempt') END, state,
    coalesce(unixepoch(json_extract(value, '$.startedAt')) * 1000000, CASE WHEN state = 'working' THEN state_since END),
    CASE WHEN state IN ('completed', 'failed', 'canceled', 'rejected') THEN state_since END, 0,
    CASE WHEN state IN ('completed', 'failed', 'canceled', 'rejected') AND json_type(value, '$.status.message') = 'text'
        THEN json_extract(value, '$.status.message') END, line
FROM tasks WHERE json_valid(value);
