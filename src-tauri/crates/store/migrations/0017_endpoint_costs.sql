-- What endpoints cost this computer, which of them were paused for it, and which lines of the log are not read again.

CREATE TABLE endpoint_costs (
    endpoint TEXT NOT NULL,
    slot     INTEGER NOT NULL CHECK (slot % 1800 = 0),
    polls    INTEGER NOT NULL CHECK (polls >= 0),
    bytes    INTEGER NOT NULL CHECK (bytes >= 0),
    cpu_us   INTEGER NOT NULL CHECK (cpu_us >= 0),
    items    INTEGER NOT NULL CHECK (items >= 0),
    PRIMARY KEY (endpoint, slot)
) STRICT, WITHOUT ROWID;

CREATE TABLE endpoint_stops (
    endpoint TEXT PRIMARY KEY,
    at       INTEGER NOT NULL,
    reason   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE costly_facts (
    seq      INTEGER PRIMARY KEY,
    endpoint TEXT,
    at       INTEGER NOT NULL,
    cpu_us   INTEGER NOT NULL CHECK (cpu_us >= 0)
) STRICT;
