-- How many findings of a rule are open, and since when, without reading what they say.
CREATE INDEX findings_open_by_rule ON findings (rule, at) WHERE state = 'open';
