-- What can be found by its words: tasks, findings and questions. The words stand once more in an index of words; `texts`
-- gives each a number of its own that survives a compacting of the file. In triggers nothing is left to a conflict clause: the one of
-- the statement that fires them would count instead.
CREATE TABLE texts (
    id       INTEGER PRIMARY KEY,
    kind     TEXT NOT NULL CHECK (kind IN ('task', 'finding', 'question')),
    endpoint TEXT NOT NULL,
    item     TEXT NOT NULL,
    UNIQUE (kind, endpoint, item)
) STRICT;
CREATE VIRTUAL TABLE texts_words USING fts5 (title, body, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3');

CREATE TRIGGER tasks_text_in AFTER INSERT ON tasks
BEGIN
    INSERT INTO texts (kind, endpoint, item)
    SELECT 'task', NEW.endpoint, NEW.task WHERE NOT EXISTS (SELECT 1 FROM texts WHERE kind = 'task' AND endpoint = NEW.endpoint AND item = NEW.task);
    DELETE FROM texts_words WHERE rowid = (SELECT id FROM texts WHERE kind = 'task' AND endpoint = NEW.endpoint AND item = NEW.task);
    INSERT INTO texts_words (rowid, title, body)
    SELECT id, NEW.title, NEW.task || ' ' || NEW.agent FROM texts WHERE kind = 'task' AND endpoint = NEW.endpoint AND item = NEW.task;
END;
CREATE TRIGGER tasks_text_over AFTER UPDATE OF title, agent ON tasks WHEN NEW.title <> OLD.title OR NEW.agent <> OLD.agent
BEGIN
    DELETE FROM texts_words WHERE rowid = (SELECT id FROM texts WHERE kind = 'task' AND endpoint = NEW.endpoint AND item = NEW.task);
    INSERT INTO texts_words (rowid, title, body)
    SELECT id, NEW.title, NEW.task || ' ' || NEW.agent FROM texts WHERE kind = 'task' AND endpoint = NEW.endpoint AND item = NEW.task;
END;
CREATE TRIGGER tasks_text_out AFTER DELETE ON tasks
BEGIN
    DELETE FROM texts_words WHERE rowid = (SELECT id FROM texts WHERE kind = 'task' AND endpoint = OLD.endpoint AND item = OLD.task);
    DELETE FROM texts WHERE kind = 'task' AND endpoint = OLD.endpoint AND item = OLD.task;
END;

-- A finding is known by its episode; of several times it held, the words of the last stand.
CREATE TRIGGER findings_text_in AFTER INSERT ON findings
BEGIN
    INSERT INTO texts (kind, endpoint, item)
    SELECT 'finding', '', NEW.episode WHERE NOT EXISTS (SELECT 1 FROM texts WHERE kind = 'finding' AND endpoint = '' AND item = NEW.episode);
    DELETE FROM texts_words WHERE rowid = (SELECT id FROM texts WHERE kind = 'finding' AND endpoint = '' AND item = NEW.episode);
    INSERT INTO texts_words (rowid, title, body)
    SELECT id, json_extract(NEW.value, '$.summary'), NEW.rule || ' ' || coalesce(json_extract(NEW.value, '$.resource'), '') || ' ' || coalesce(json_extract(NEW.value, '$.pool'), '') FROM texts WHERE kind = 'finding' AND endpoint = '' AND item = NEW.episode;
END;
CREATE TRIGGER findings_text_over AFTER UPDATE OF value ON findings
WHEN json_extract(NEW.value, '$.summary') <> json_extract(OLD.value, '$.summary')
BEGIN
    DELETE FROM texts_words WHERE rowid = (SELECT id FROM texts WHERE kind = 'finding' AND endpoint = '' AND item = NEW.episode);
    INSERT INTO texts_words (rowid, title, body)
    SELECT id, json_extract(NEW.value, '$.summary'), NEW.rule || ' ' || coalesce(json_extract(NEW.value, '$.resource'), '') || ' ' || coalesce(json_extract(NEW.value, '$.pool'), '') FROM texts WHERE kind = 'finding' AND endpoint = '' AND item = NEW.episode;
END;

CREATE TRIGGER escalations_text_in AFTER INSERT ON escalations
BEGIN
    INSERT INTO texts (kind, endpoint, item)
    SELECT 'question', NEW.endpoint, NEW.escalation WHERE NOT EXISTS (SELECT 1 FROM texts WHERE kind = 'question' AND endpoint = NEW.endpoint AND item = NEW.escalation);
    DELETE FROM texts_words WHERE rowid = (SELECT id FROM texts WHERE kind = 'question' AND endpoint = NEW.endpoint AND item = NEW.escalation);
    INSERT INTO texts_words (rowid, title, body)
    SELECT id, coalesce(json_extract(NEW.value, '$.title'), ''), NEW.escalation || ' ' || NEW.agent || ' ' || coalesce(json_extract(NEW.value, '$.message'), '') FROM texts WHERE kind = 'question' AND endpoint = NEW.endpoint AND item = NEW.escalation;
END;
CREATE TRIGGER escalations_text_over AFTER UPDATE OF value ON escalations WHEN NEW.value <> OLD.value
BEGIN
    DELETE FROM texts_words WHERE rowid = (SELECT id FROM texts WHERE kind = 'question' AND endpoint = NEW.endpoint AND item = NEW.escalation);
    INSERT INTO texts_words (rowid, title, body)
    SELECT id, coalesce(json_extract(NEW.value, '$.title'), ''), NEW.escalation || ' ' || NEW.agent || ' ' || coalesce(json_extract(NEW.value, '$.message'), '') FROM texts WHERE kind = 'question' AND endpoint = NEW.endpoint AND item = NEW.escalation;
END;

-- What is there already.
INSERT INTO texts (kind, endpoint, item) SELECT 'task', endpoint, task FROM tasks;
INSERT INTO texts_words (rowid, title, body)
SELECT texts.id, tasks.title, tasks.task || ' ' || tasks.agent FROM texts JOIN tasks ON tasks.endpoint = texts.endpoint AND tasks.task = texts.item WHERE texts.kind = 'task';
INSERT OR IGNORE INTO texts (kind, endpoint, item) SELECT 'finding', '', episode FROM findings;
INSERT OR REPLACE INTO texts_words (rowid, title, body)
SELECT texts.id, json_extract(findings.value, '$.summary'), findings.rule || ' ' || coalesce(json_extract(findings.value, '$.resource'), '') || ' ' || coalesce(json_extract(findings.value, '$.pool'), '')
FROM texts JOIN findings ON findings.episode = texts.item WHERE texts.kind = 'finding' ORDER BY findings.id;
INSERT OR IGNORE INTO texts (kind, endpoint, item) SELECT 'question', endpoint, escalation FROM escalations;
INSERT OR REPLACE INTO texts_words (rowid, title, body)
SELECT texts.id, coalesce(json_extract(escalations.value, '$.title'), ''), escalations.escalation || ' ' || escalations.agent || ' ' || coalesce(json_extract(escalations.value, '$.message'), '')
FROM texts JOIN escalations ON escalations.endpoint = texts.endpoint AND escalations.escalation = texts.item WHERE texts.kind = 'question' AND json_valid(escalations.value) ORDER BY escalations.line;
