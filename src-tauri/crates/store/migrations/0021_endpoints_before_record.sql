-- Each endpoint that is added is an entry of the record, which was not always so: a store whose endpoints are older than
-- its first entry is not one whose entries are gone.
INSERT INTO settings (name, value)
    SELECT 'endpoints-before-record', 'true'
    WHERE EXISTS (SELECT 1 FROM endpoints) AND NOT EXISTS (SELECT 1 FROM audit);
