-- The first schema. Times are microseconds since 1970 in UTC; words are the kebab-case words of the domain.
-- Never edited after release: the next change is the next file. Rules about the tables stand in `src/tables/<table>.rs`.

CREATE TABLE facts (
    seq      INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    kind     TEXT NOT NULL CHECK (kind IN ('status', 'error', 'tick', 'woke', 'decision', 'person', 'rules', 'settings')),
    endpoint TEXT,
    line     TEXT NOT NULL CHECK (length(line) > 1)
) STRICT;
CREATE TRIGGER facts_are_never_changed BEFORE UPDATE ON facts
BEGIN SELECT RAISE(ABORT, 'the log of facts is append-only'); END;
CREATE TRIGGER facts_go_only_by_age BEFORE DELETE ON facts
WHEN OLD.seq >= coalesce((SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'facts-kept-from'), 0)
BEGIN SELECT RAISE(ABORT, 'the log of facts is append-only'); END;

CREATE TABLE settings (
    name  TEXT PRIMARY KEY CHECK (length(name) > 0),
    value TEXT NOT NULL CHECK (json_valid(value))
) STRICT, WITHOUT ROWID;

CREATE TABLE endpoints (
    id           TEXT PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 512),
    position     INTEGER NOT NULL,
    name         TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (length(kind) > 0),
    url          TEXT NOT NULL,
    credential   TEXT NOT NULL DEFAULT 'none',
    paused       INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    capabilities TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(capabilities)),
    warnings     TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(warnings)),
    added_at     INTEGER NOT NULL,
    removed_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE health (
    endpoint  TEXT PRIMARY KEY,
    heard_at  INTEGER,
    failed_at INTEGER,
    failures  INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    error     TEXT CHECK (error IS NULL OR json_valid(error))
) STRICT, WITHOUT ROWID;
CREATE TABLE health_slots (
    endpoint TEXT NOT NULL,
    slot     INTEGER NOT NULL CHECK (slot % 1800 = 0),
    good     INTEGER NOT NULL DEFAULT 0 CHECK (good >= 0),
    bad      INTEGER NOT NULL DEFAULT 0 CHECK (bad >= 0),
    PRIMARY KEY (endpoint, slot)
) STRICT, WITHOUT ROWID;

CREATE TABLE agents (
    endpoint       TEXT NOT NULL,
    agent          TEXT NOT NULL,
    card           TEXT NOT NULL CHECK (json_valid(card)),
    needs          TEXT CHECK (needs IS NULL OR json_valid(needs)),
    first_heard_at INTEGER NOT NULL,
    PRIMARY KEY (endpoint, agent)
) STRICT, WITHOUT ROWID;

CREATE TABLE tasks (
    endpoint     TEXT NOT NULL,
    task         TEXT NOT NULL,
    agent        TEXT NOT NULL,
    title        TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('submitted', 'working', 'input-required', 'auth-required', 'completed', 'failed', 'canceled', 'rejected', 'unknown')),
    board_column TEXT NOT NULL CHECK (board_column IN ('queued', 'running', 'handed-over', 'needs-you', 'done', 'failed', 'unknown')),
    state_since  INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL,
    last_mark    INTEGER NOT NULL,
    handoff_open INTEGER NOT NULL CHECK (handoff_open IN (0, 1)),
    line         INTEGER NOT NULL,
    value        TEXT NOT NULL,
    raw          TEXT NOT NULL,
    PRIMARY KEY (endpoint, task)
) STRICT;
CREATE INDEX tasks_by_column ON tasks (board_column, changed_at DESC, endpoint, task);
CREATE INDEX tasks_by_agent ON tasks (endpoint, agent, board_column);
CREATE TABLE board_counts (
    board_column TEXT PRIMARY KEY,
    count        INTEGER NOT NULL CHECK (count >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO board_counts (board_column, count) VALUES
    ('queued', 0), ('running', 0), ('handed-over', 0), ('needs-you', 0), ('done', 0), ('failed', 0), ('unknown', 0);
CREATE TRIGGER tasks_count_in AFTER INSERT ON tasks
BEGIN UPDATE board_counts SET count = count + 1 WHERE board_column = NEW.board_column; END;
CREATE TRIGGER tasks_count_out AFTER DELETE ON tasks
BEGIN UPDATE board_counts SET count = count - 1 WHERE board_column = OLD.board_column; END;
CREATE TRIGGER tasks_count_over AFTER UPDATE OF board_column ON tasks WHEN NEW.board_column <> OLD.board_column
BEGIN
    UPDATE board_counts SET count = count - 1 WHERE board_column = OLD.board_column;
    UPDATE board_counts SET count = count + 1 WHERE board_column = NEW.board_column;
END;

CREATE TABLE escalations (
    endpoint   TEXT NOT NULL,
    escalation TEXT NOT NULL,
    version    TEXT NOT NULL,
    agent      TEXT NOT NULL,
    task       TEXT,
    phase      TEXT NOT NULL CHECK (phase IN ('pending', 'answered', 'expired', 'withdrawn', 'superseded')),
    created_at INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    expires_at INTEGER,
    fallback   TEXT NOT NULL,
    line       INTEGER NOT NULL,
    value      TEXT NOT NULL,
    raw        TEXT NOT NULL,
    action_raw TEXT,
    PRIMARY KEY (endpoint, escalation, version)
) STRICT;
CREATE INDEX escalations_by_phase ON escalations (phase, due_at);
CREATE INDEX escalations_by_task ON escalations (endpoint, task, phase);

-- A decision and its delivery (the outbox) are one row: there is no moment with one and without the other.
CREATE TABLE decisions (
    id               TEXT PRIMARY KEY CHECK (length(id) = 36),
    endpoint         TEXT NOT NULL,
    escalation       TEXT NOT NULL,
    version          TEXT NOT NULL,
    binding_hash     TEXT NOT NULL,
    outcome          TEXT NOT NULL CHECK (outcome IN ('approve', 'approve-always', 'edit', 'respond', 'reject', 'cancel')),
    body             TEXT NOT NULL,
    decided_at       INTEGER NOT NULL,
    held_until       INTEGER NOT NULL,
    considered       INTEGER NOT NULL CHECK (considered IN (0, 1)),
    shown_ms         INTEGER NOT NULL CHECK (shown_ms >= 0),
    undone_at        INTEGER,
    state            TEXT NOT NULL CHECK (state IN ('held', 'queued', 'sending', 'sent', 'applied', 'already-resolved', 'refused', 'expired', 'changed', 'unknown')),
    attempts         INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at  INTEGER,
    detail           TEXT,
    recorded_outcome TEXT,
    changed_at       INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_decision_per_question ON decisions (endpoint, escalation, version) WHERE undone_at IS NULL;
CREATE INDEX decisions_on_their_way ON decisions (state, next_attempt_at) WHERE undone_at IS NULL AND state IN ('held', 'queued', 'sending', 'sent');
CREATE INDEX decisions_by_time ON decisions (decided_at);
CREATE TRIGGER decisions_stay BEFORE DELETE ON decisions
BEGIN SELECT RAISE(ABORT, 'decisions are kept for ever'); END;
CREATE TRIGGER decisions_say_what_was_said BEFORE UPDATE OF id, endpoint, escalation, version, binding_hash, outcome, body, decided_at, considered, shown_ms ON decisions
BEGIN SELECT RAISE(ABORT, 'a decision is never changed'); END;

CREATE TABLE audit (
    seq      INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    kind     TEXT NOT NULL CHECK (length(kind) > 0),
    subject  TEXT NOT NULL,
    detail   TEXT NOT NULL CHECK (json_valid(detail)),
    previous TEXT NOT NULL CHECK (length(previous) = 64),
    hash     TEXT NOT NULL UNIQUE CHECK (length(hash) = 64)
) STRICT;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

CREATE TABLE findings (
    id            INTEGER PRIMARY KEY,
    episode       TEXT NOT NULL,
    subject       TEXT NOT NULL,
    rule          TEXT NOT NULL,
    severity      TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    state         TEXT NOT NULL CHECK (state IN ('open', 'cleared')),
    at            INTEGER NOT NULL,
    changed_at    INTEGER NOT NULL,
    cleared_at    INTEGER,
    snoozed_until INTEGER,
    dismissed_at  INTEGER,
    value         TEXT NOT NULL CHECK (json_valid(value)),
    CHECK ((state = 'cleared') = (cleared_at IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX one_open_finding_per_episode ON findings (episode) WHERE state = 'open';
CREATE INDEX findings_by_episode ON findings (episode, id);
CREATE INDEX findings_by_state ON findings (state, changed_at);
CREATE TABLE finding_tasks (
    finding INTEGER NOT NULL REFERENCES findings (id) ON DELETE CASCADE,
    task    TEXT NOT NULL,
    PRIMARY KEY (task, finding)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letters (
    endpoint   TEXT NOT NULL,
    list       TEXT NOT NULL,
    item       TEXT NOT NULL,
    agent      TEXT,
    problems   TEXT NOT NULL CHECK (json_valid(problems)),
    raw        TEXT NOT NULL,
    first_at   INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    count      INTEGER NOT NULL DEFAULT 1 CHECK (count > 0),
    line       INTEGER NOT NULL,
    cleared_at INTEGER,
    PRIMARY KEY (endpoint, list, item)
) STRICT;

CREATE TABLE ownership_versions (
    revision INTEGER PRIMARY KEY,
    saved_at INTEGER NOT NULL,
    document TEXT NOT NULL CHECK (json_valid(document)),
    sentence TEXT NOT NULL,
    hash     TEXT NOT NULL CHECK (length(hash) = 64)
) STRICT;
CREATE TRIGGER ownership_versions_are_never_changed BEFORE UPDATE ON ownership_versions
BEGIN SELECT RAISE(ABORT, 'a saved version is never changed'); END;
CREATE TRIGGER ownership_versions_stay BEFORE DELETE ON ownership_versions
BEGIN SELECT RAISE(ABORT, 'a saved version is never changed'); END;
CREATE TABLE ownership_draft (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    base_revision INTEGER NOT NULL,
    content       TEXT NOT NULL CHECK (json_valid(content))
) STRICT;

CREATE TABLE quota_windows (
    pool           TEXT NOT NULL,
    window         TEXT NOT NULL,
    provider       TEXT NOT NULL,
    account        TEXT,
    scope          TEXT,
    endpoint       TEXT NOT NULL,
    agent          TEXT NOT NULL,
    from_headers   INTEGER NOT NULL CHECK (from_headers IN (0, 1)),
    observed_at    INTEGER NOT NULL,
    line           INTEGER NOT NULL,
    value          TEXT NOT NULL CHECK (json_valid(value)),
    PRIMARY KEY (pool, window)
) STRICT, WITHOUT ROWID;
CREATE TABLE quota_samples (
    pool         TEXT NOT NULL,
    window       TEXT NOT NULL,
    observed_at  INTEGER NOT NULL,
    endpoint     TEXT NOT NULL,
    agent        TEXT NOT NULL,
    used         REAL,
    used_percent REAL,
    remaining    REAL,
    rejected     INTEGER NOT NULL CHECK (rejected IN (0, 1)),
    PRIMARY KEY (pool, window, observed_at, endpoint, agent)
) STRICT, WITHOUT ROWID;

CREATE TABLE accesses (
    endpoint     TEXT NOT NULL,
    id           TEXT NOT NULL,
    agent        TEXT NOT NULL,
    task         TEXT,
    resource     TEXT NOT NULL,
    mode         TEXT NOT NULL CHECK (mode IN ('read', 'write', 'consume')),
    base_version TEXT,
    new_version  TEXT,
    event_id     TEXT,
    at           INTEGER NOT NULL,
    line         INTEGER NOT NULL,
    PRIMARY KEY (endpoint, id)
) STRICT;
CREATE INDEX accesses_by_task ON accesses (endpoint, task, at) WHERE task IS NOT NULL;
CREATE TABLE accesses_seen (
    resource TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    agent    TEXT NOT NULL,
    mode     TEXT NOT NULL CHECK (mode IN ('read', 'write', 'consume')),
    count    INTEGER NOT NULL CHECK (count > 0),
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    PRIMARY KEY (resource, endpoint, agent, mode)
) STRICT, WITHOUT ROWID;

-- What has no screen of its own yet: claims, handoffs, artifacts, context entries, schedules.
CREATE TABLE records (
    kind     TEXT NOT NULL CHECK (kind IN ('claim', 'handoff', 'artifact', 'context', 'schedule')),
    endpoint TEXT NOT NULL,
    id       TEXT NOT NULL,
    agent    TEXT NOT NULL,
    task     TEXT,
    at       INTEGER NOT NULL,
    line     INTEGER NOT NULL,
    value    TEXT NOT NULL,
    raw      TEXT NOT NULL,
    PRIMARY KEY (kind, endpoint, id)
) STRICT;
CREATE INDEX records_by_task ON records (endpoint, task) WHERE task IS NOT NULL;
