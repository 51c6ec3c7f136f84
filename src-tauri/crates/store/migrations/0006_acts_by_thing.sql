-- Who wrote to a resource, and who reacted to an event: a question about either may have been overtaken.
CREATE INDEX accesses_writes ON accesses (resource, at) WHERE mode = 'write';
CREATE INDEX accesses_events ON accesses (event_id) WHERE event_id IS NOT NULL;
