-- The board by agent, by workflow and by resource; and which tasks a task caused. All of it follows from what is there.
ALTER TABLE tasks ADD COLUMN ended INTEGER GENERATED ALWAYS AS (board_column IN ('done', 'failed', 'unknown')) VIRTUAL;
ALTER TABLE tasks ADD COLUMN workflow TEXT GENERATED ALWAYS AS (CASE WHEN json_valid(value) THEN coalesce(json_extract(value, '$.contextId'), '') ELSE '' END) VIRTUAL;
ALTER TABLE tasks ADD COLUMN parent TEXT GENERATED ALWAYS AS (CASE WHEN json_valid(value) THEN json_extract(value, '$.parentId') END) VIRTUAL;
CREATE INDEX tasks_in_agent ON tasks (endpoint, agent, ended, changed_at DESC, task);
CREATE INDEX tasks_in_workflow ON tasks (workflow, ended, changed_at DESC, endpoint, task);
CREATE INDEX tasks_of_parent ON tasks (parent) WHERE parent IS NOT NULL;
CREATE INDEX accesses_of_tasks ON accesses (resource, endpoint, task) WHERE task IS NOT NULL;
