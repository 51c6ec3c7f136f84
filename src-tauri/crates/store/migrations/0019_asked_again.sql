-- A question can be asked again after its answer had left, and the same answer be given once more, with the same key.
ALTER TABLE decisions ADD COLUMN repeats TEXT;
ALTER TABLE decisions ADD COLUMN asked_again_at INTEGER;
DROP TRIGGER IF EXISTS decisions_say_what_was_said;
CREATE TRIGGER decisions_say_what_was_said BEFORE UPDATE OF id, endpoint, escalation, version, edition, agent, binding_hash, shown, action_key, class, origin, outcome, body, decided_at, considered, shown_ms, repeats ON decisions
BEGIN SELECT RAISE(ABORT, 'a decision is never changed'); END;
-- Answered and still asked, as far as their agents have told: few, and looked at after each answer.
CREATE INDEX escalations_listed_on ON escalations (endpoint, escalation) WHERE phase = 'answered' AND status = 'pending';
