-- A sign-in to the portal itself. Limits are copied from the policy when it is created, so that a later change
-- of the policy touches only later sessions.
CREATE TABLE portal_session (
    portal_session_id   TEXT   NOT NULL PRIMARY KEY, -- public name of the session: the handle the `portal` connector lists and ends
    token_hash          TEXT   NOT NULL UNIQUE,      -- SHA-256 of the cookie's 128-bit value, hex
    operator_id         TEXT   NOT NULL REFERENCES operator (operator_id), -- whose
    created_at          BIGINT NOT NULL, -- ms UTC of the sign-in
    last_active_at      BIGINT NOT NULL, -- ms UTC of the last own activity; background requests do not count
    idle_timeout_s      BIGINT NOT NULL, -- seconds, as at creation
    absolute_expires_at BIGINT NOT NULL, -- ms UTC, as at creation
    policy_version      BIGINT NOT NULL, -- the version of Curfew's own policy it was created under
    ip                  TEXT,            -- address of the sign-in
    user_agent          TEXT,            -- browser as it named itself at sign-in
    last_ip             TEXT,            -- address of the newest request, to flag a change
    changed_source_at   BIGINT,          -- ms UTC when address or browser changed inside the session; NULL = never
    auth_methods        TEXT   NOT NULL, -- json array: ["password"]
    auth_at             BIGINT NOT NULL, -- ms UTC of the last full or step-up authentication
    data                TEXT   NOT NULL  -- json: what the session layer keeps (no secrets)
);
CREATE INDEX portal_session_operator ON portal_session (operator_id, last_active_at);
