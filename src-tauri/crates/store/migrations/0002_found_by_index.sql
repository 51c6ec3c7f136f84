-- What screens ask for by something else than a key, found without reading the whole table.
CREATE INDEX audit_by_subject ON audit (subject, seq);
CREATE INDEX facts_answers ON facts (endpoint, seq) WHERE kind = 'status';
CREATE INDEX dead_letters_standing ON dead_letters (at DESC) WHERE cleared_at IS NULL;
