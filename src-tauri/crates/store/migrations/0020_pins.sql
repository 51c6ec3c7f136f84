-- Whom the person meant by a bare agent id in the rules that count.
CREATE TABLE ownership_pins (
    agent TEXT PRIMARY KEY,
    endpoint TEXT NOT NULL
) STRICT, WITHOUT ROWID;
