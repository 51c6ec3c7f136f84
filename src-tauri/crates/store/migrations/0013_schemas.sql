-- JSON Schemas that the person gave, as they wrote them; and which artifacts name which.
CREATE TABLE schemas (
    name     TEXT PRIMARY KEY CHECK (length(name) > 0),
    text     TEXT NOT NULL CHECK (length(text) > 0),
    sha256   TEXT NOT NULL CHECK (length(sha256) = 64),
    added_at INTEGER NOT NULL
) STRICT;
CREATE INDEX artifacts_by_schema ON records (json_extract(value, '$.schemaRef'), endpoint, agent)
    WHERE kind = 'artifact' AND json_extract(value, '$.schemaRef') IS NOT NULL;
