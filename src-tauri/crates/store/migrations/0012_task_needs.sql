-- What a task comes after, as it names it, so that what waits for a task is found without looking at all work.
CREATE TABLE task_needs (
    endpoint TEXT NOT NULL,
    task     TEXT NOT NULL,
    wanted   TEXT NOT NULL,
    PRIMARY KEY (endpoint, task, wanted)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_needs_by_wanted ON task_needs (wanted, endpoint, task);
INSERT OR IGNORE INTO task_needs (endpoint, task, wanted)
SELECT tasks.endpoint, tasks.task, needed.value FROM tasks, json_each(tasks.value, '$.dependsOn') AS needed
WHERE json_valid(tasks.value) AND needed.type = 'text';
