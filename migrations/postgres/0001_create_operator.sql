-- A person who signs in to the portal.
CREATE TABLE operator (
    operator_id  TEXT   NOT NULL PRIMARY KEY, -- UUIDv7
    login        TEXT   NOT NULL UNIQUE,      -- sign-in name, lower-cased
    display_name TEXT   NOT NULL,             -- as shown on pages and in the audit
    email        TEXT,                        -- where a notice would go; none = not given
    created_at   BIGINT NOT NULL,             -- ms UTC
    disabled_at  BIGINT,                      -- ms UTC; NULL = enabled
    last_seen_at BIGINT                       -- ms UTC of the last own activity; NULL = never signed in
);

-- The password of an operator. No row, or a NULL hash: cannot sign in until a one-time link was used.
CREATE TABLE credential (
    operator_id    TEXT   NOT NULL PRIMARY KEY REFERENCES operator (operator_id), -- whose
    password_hash  TEXT,            -- PHC string: argon2id with its parameters and salt
    changed_at     BIGINT           -- ms UTC of the last change
);

-- A link that lets one person set a password once.
CREATE TABLE one_time_link (
    link_id     TEXT   NOT NULL PRIMARY KEY, -- UUIDv7
    token_hash  TEXT   NOT NULL UNIQUE,      -- SHA-256 of the code, hex; the code itself is shown once and never stored
    purpose     TEXT   NOT NULL,             -- bootstrap | invite | reset
    operator_id TEXT REFERENCES operator (operator_id), -- NULL for bootstrap: the person is created on use
    created_by  TEXT,                        -- operator_id of who made it; NULL = the command line
    created_at  BIGINT NOT NULL,             -- ms UTC
    expires_at  BIGINT NOT NULL,             -- ms UTC
    used_at     BIGINT                       -- ms UTC; NULL = still good until expires_at
);

-- What a person chose for themselves: theme, time display, columns.
CREATE TABLE operator_preference (
    operator_id TEXT NOT NULL REFERENCES operator (operator_id), -- whose
    name        TEXT NOT NULL, -- theme | times | zone | columns.sessions
    value       TEXT NOT NULL, -- as the page sent it, checked on write
    PRIMARY KEY (operator_id, name)
);

-- Failed sign-ins by account and by network source, for throttling.
CREATE TABLE sign_in_failure (
    source_kind    TEXT   NOT NULL, -- account | address
    source         TEXT   NOT NULL, -- login as typed (lower-cased), or IP address
    failures       BIGINT NOT NULL, -- consecutive, since the last success
    last_failed_at BIGINT NOT NULL, -- ms UTC
    blocked_until  BIGINT NOT NULL, -- ms UTC; 0 = not blocked
    PRIMARY KEY (source_kind, source)
);
