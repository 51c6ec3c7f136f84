-- How far whom has read which shared document, and every content an artifact has had.
CREATE TABLE context_reads (
    document TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    task     TEXT NOT NULL,
    agent    TEXT NOT NULL,
    seq      INTEGER NOT NULL CHECK (seq >= 0),
    at       INTEGER NOT NULL,
    PRIMARY KEY (document, endpoint, task)
) STRICT, WITHOUT ROWID;
INSERT INTO context_reads (document, endpoint, task, agent, seq, at)
    SELECT json_extract(mark.value, '$.documentId'), tasks.endpoint, tasks.task, tasks.agent, max(json_extract(mark.value, '$.seq')), tasks.changed_at
    FROM tasks, json_each(tasks.value, '$.contextRefs') AS mark
    WHERE json_type(mark.value, '$.seq') = 'integer' AND json_type(mark.value, '$.documentId') = 'text'
    GROUP BY 1, 2, 3, 4;
CREATE INDEX context_entries ON records (json_extract(value, '$.documentId'), json_extract(value, '$.seq')) WHERE kind = 'context';

CREATE TABLE artifact_versions (
    endpoint TEXT NOT NULL,
    id       TEXT NOT NULL,
    line     INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    agent    TEXT NOT NULL,
    task     TEXT,
    digest   TEXT NOT NULL CHECK (length(digest) = 71),
    value    TEXT NOT NULL CHECK (json_valid(value)),
    PRIMARY KEY (endpoint, id, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_versions_by_task ON artifact_versions (endpoint, task, id, line) WHERE task IS NOT NULL;
CREATE INDEX accesses_by_resource ON accesses (resource, at) WHERE mode <> 'write';
