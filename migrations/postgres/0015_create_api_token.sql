-- Tokens by which programs call the API. Their grants stand in role_grant with caller_kind `token`.
CREATE TABLE api_token (
    token_id     TEXT   NOT NULL PRIMARY KEY, -- UUIDv7; caller_id of its grants, endings and audit entries
    name         TEXT   NOT NULL,             -- what it is for, as shown
    token_hash   TEXT   NOT NULL UNIQUE,      -- SHA-256 of the secret, hex; the secret itself is stored nowhere
    hint         TEXT   NOT NULL,             -- last 4 characters of the secret
    made_by      TEXT   NOT NULL REFERENCES operator (operator_id), -- it works only while they are enabled
    made_at      BIGINT NOT NULL,             -- ms UTC
    reason       TEXT   NOT NULL,             -- why, in the maker's words
    expires_at   BIGINT NOT NULL,             -- ms UTC; at most 366 days after it was made
    last_used_at BIGINT,                      -- ms UTC, written once a minute at most; NULL = never
    last_used_ip TEXT,                        -- address of that use
    refused_at   BIGINT,                      -- ms UTC of the first use after its end, which the audit tells of; NULL = none
    revoked_at   BIGINT,                      -- ms UTC; NULL = not revoked
    revoked_by   TEXT                         -- operator_id who revoked it
);

-- Answers to POSTs that carried an Idempotency-Key, deleted after 24 hours.
CREATE TABLE api_idempotency (
    caller_id    TEXT   NOT NULL, -- whose key
    idem_key     TEXT   NOT NULL, -- as the caller chose it
    request_hash TEXT   NOT NULL, -- SHA-256 over address and body, hex
    status       BIGINT,          -- HTTP status of the answer; NULL = at work
    location     TEXT,            -- its Location header; NULL = none
    body         TEXT,            -- its body; NULL = at work
    created_at   BIGINT NOT NULL, -- ms UTC
    PRIMARY KEY (caller_id, idem_key)
);
CREATE INDEX api_idempotency_created ON api_idempotency (created_at);

ALTER TABLE ending ADD COLUMN for_person TEXT COLLATE "C"; -- account name, lower-cased, of the one person it ends everywhere; NULL = a set
-- A caller ends a person everywhere once at a time: asked again, the same ending is meant.
CREATE UNIQUE INDEX ending_for_person ON ending (caller_id, for_person)
    WHERE for_person IS NOT NULL AND state IN ('waiting', 'running', 'paused');
