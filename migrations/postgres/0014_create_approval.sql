-- Systems of which everybody is in the frozen set: ending those takes a second person.
ALTER TABLE ending ADD COLUMN whole_systems TEXT NOT NULL DEFAULT '[]'; -- JSON list of system ids

-- A preview that waits, or waited, for a second person: one request per preview, used once.
CREATE TABLE approval (
    ending_id        TEXT   NOT NULL PRIMARY KEY REFERENCES ending (ending_id) ON DELETE CASCADE, -- of which
    snapshot_hash    TEXT   NOT NULL, -- the frozen set it is about, as in `ending`
    asked_by         TEXT   NOT NULL, -- operator_id of who stands behind the request: the asker, or who made the token that asked
    why              TEXT   NOT NULL, -- JSON list of what made it necessary
    reason           TEXT   NOT NULL, -- of the ending, as the asker gave it
    ticket_ref       TEXT,            -- NULL = none given
    requested_at     BIGINT NOT NULL, -- ms UTC
    expires_at       BIGINT NOT NULL, -- ms UTC: nobody can decide after it
    state            TEXT   NOT NULL, -- waiting | approved | turned_down | withdrawn | overridden
    decided_by       TEXT,            -- operator_id; NULL = nobody yet
    decided_by_name  TEXT,            -- their name then
    decided_at       BIGINT,          -- ms UTC
    note             TEXT,            -- what they said; of an override, why it could not wait; NULL = nothing
    review_due_at    BIGINT,          -- ms UTC: an override has to be reviewed before; NULL = not an override
    reviewed_by      TEXT,            -- operator_id; NULL = not reviewed
    reviewed_by_name TEXT,            -- their name then
    reviewed_at      BIGINT,          -- ms UTC
    review_note      TEXT             -- what the review found
);
CREATE INDEX approval_state ON approval (state, expires_at);
CREATE INDEX approval_review ON approval (review_due_at);
