-- A named set of permissions.
CREATE TABLE role (
    role_id     TEXT   NOT NULL PRIMARY KEY, -- built-in: administrator | helpdesk | auditor | policy_manager; own: UUIDv7
    name        TEXT   NOT NULL UNIQUE,      -- as shown
    built_in    BIGINT NOT NULL,             -- 1 = permissions come from the program and can't be edited
    permissions TEXT   NOT NULL              -- json array of permission names
);

-- Role + scope given to a caller, by whom, until when, why.
CREATE TABLE role_grant (
    grant_id    TEXT   NOT NULL PRIMARY KEY, -- UUIDv7
    caller_kind TEXT   NOT NULL,             -- operator | token | rule
    caller_id   TEXT   NOT NULL,             -- operator_id, or the id of the token or rule
    role_id     TEXT   NOT NULL REFERENCES role (role_id), -- what
    scope       TEXT   NOT NULL,             -- json: where it counts (app/src/access/wire.rs, Scope)
    reason      TEXT   NOT NULL,             -- why, in the giver's words
    granted_by  TEXT,                        -- operator_id; NULL = set-up or command line
    granted_at  BIGINT NOT NULL,             -- ms UTC
    expires_at  BIGINT,                      -- ms UTC; NULL = no end
    revoked_at  BIGINT,                      -- ms UTC; NULL = in force
    revoked_by  TEXT                         -- operator_id who took it away
);
CREATE INDEX role_grant_caller ON role_grant (caller_kind, caller_id);

-- People whose sessions no selection takes by default.
CREATE TABLE protected_subject (
    protected_id TEXT   NOT NULL PRIMARY KEY, -- UUIDv7
    system_id    TEXT,                        -- NULL = in every system
    account      TEXT   NOT NULL,             -- account name, lower-cased
    reason       TEXT   NOT NULL,             -- why
    added_by     TEXT,                        -- operator_id; NULL = set-up
    added_at     BIGINT NOT NULL,             -- ms UTC
    removed_at   BIGINT                       -- ms UTC; NULL = still protected
);
