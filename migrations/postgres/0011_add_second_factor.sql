-- The second factor of an operator: time-based codes (TOTP, RFC 6238). No row, or a NULL seed: none is set up.
CREATE TABLE second_factor (
    operator_id   TEXT   NOT NULL PRIMARY KEY REFERENCES operator (operator_id), -- whose
    seed          TEXT,                     -- 160-bit seed, sealed with a key from outside the database; NULL = not set up
    last_step     BIGINT NOT NULL,          -- 30-second step of the newest code that was taken: none is taken twice
    set_up_at     BIGINT,                   -- ms UTC; NULL = not set up
    draft_seed    TEXT,                     -- sealed like seed: shown, but no code of it was typed yet; NULL = none
    draft_session TEXT,                     -- portal_session_id that may see and confirm the draft
    draft_at      BIGINT                    -- ms UTC when the draft was made
);

-- What opens the door once where the second factor is lost.
CREATE TABLE recovery_code (
    operator_id TEXT NOT NULL REFERENCES operator (operator_id), -- whose
    code_hash   TEXT NOT NULL,             -- SHA-256 of operator_id and code, hex; the code itself is shown once and never stored
    used_at     BIGINT,                    -- ms UTC; NULL = still good
    PRIMARY KEY (operator_id, code_hash)
);

-- A sign-in between the right password and the code. It is no session: nothing but the second step can use it.
CREATE TABLE sign_in_step (
    token_hash  TEXT   NOT NULL PRIMARY KEY, -- SHA-256 of the form's 128-bit token, hex
    operator_id TEXT   NOT NULL REFERENCES operator (operator_id), -- whose password was right
    first       TEXT   NOT NULL,             -- what was right: password | one-time link
    expires_at  BIGINT NOT NULL              -- ms UTC
);
CREATE INDEX sign_in_step_operator ON sign_in_step (operator_id);

-- Who holds the role by a grant in force must have a second factor.
ALTER TABLE role ADD COLUMN needs_second_factor BIGINT NOT NULL DEFAULT 0; -- 1 = asked for; set by people for built-in roles too
