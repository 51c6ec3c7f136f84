-- Decisions that were stopped because they were not what was decided; few, and asked for by every screen's frame.
CREATE INDEX audit_stopped ON audit (at) WHERE kind = 'stopped';
