-- The state of the rules after a row of the log, so that a start reads only the rows after it. Made from the log alone:
-- what cannot be used is thrown away.

CREATE TABLE snapshots (
    seq    INTEGER PRIMARY KEY,
    form   TEXT NOT NULL,
    -- SHA-256 of that row of the log: another log has another state.
    row    BLOB NOT NULL,
    state  BLOB NOT NULL
) STRICT;

CREATE TABLE snapshot_endpoints (
    seq      INTEGER NOT NULL REFERENCES snapshots (seq) ON DELETE CASCADE,
    endpoint TEXT NOT NULL,
    failing  INTEGER NOT NULL CHECK (failing IN (0, 1)),
    running  TEXT NOT NULL,
    waiting  TEXT NOT NULL,
    said     BLOB NOT NULL,
    PRIMARY KEY (seq, endpoint)
) STRICT, WITHOUT ROWID;
