-- Who did what to what, why, with what result. Only ever added to.
CREATE TABLE audit_entry (
    seq            BIGINT NOT NULL PRIMARY KEY, -- 1, 2, 3 … without gaps
    at             BIGINT NOT NULL, -- ms UTC
    action         TEXT   NOT NULL, -- word of docs/audit.md: session_terminate_requested, authn_login_success …
    actor_kind     TEXT   NOT NULL, -- operator | token | rule | system (Curfew itself) | nobody (not signed in)
    actor_id       TEXT   NOT NULL, -- operator_id …; '' = nobody
    actor_name     TEXT   NOT NULL, -- as shown then
    actor_session  TEXT,            -- portal_session_id of the actor
    source_ip      TEXT,            -- address of the request
    user_agent     TEXT,            -- browser of the request
    system_id      TEXT,            -- the target's system
    place          TEXT,            -- the target's place
    site           TEXT,            -- the target's site
    account        TEXT,            -- the target's account name
    session_key    TEXT,            -- the target session, as keyed hash
    ending_id      TEXT,            -- the ending it belongs to
    target         TEXT   NOT NULL, -- the target in plain words
    permission     TEXT,            -- what was needed
    result         TEXT   NOT NULL, -- ok | refused | failed | unknown
    reason         TEXT,            -- in the actor's words
    ticket_ref     TEXT,            -- their ticket number
    request_id     TEXT,            -- finds the log line
    duration_ms    BIGINT,          -- how long it took; NULL = not measured
    detail         TEXT   NOT NULL, -- json object, schema by action
    key_id         TEXT   NOT NULL, -- which chain key
    prev_hash      TEXT   NOT NULL, -- hash of seq - 1, hex; 64 zeros for the first
    hash           TEXT   NOT NULL  -- HMAC-SHA-256 over prev_hash and every column above, hex
);
CREATE INDEX audit_entry_at ON audit_entry (at);
CREATE INDEX audit_entry_actor ON audit_entry (actor_id, seq);
CREATE INDEX audit_entry_action ON audit_entry (action, seq);
CREATE INDEX audit_entry_ending ON audit_entry (ending_id, seq);

-- The end of the chain: one row, locked by whoever appends.
CREATE TABLE audit_head (
    head_id BIGINT NOT NULL PRIMARY KEY, -- always 1
    seq     BIGINT NOT NULL, -- newest entry; 0 = none
    hash    TEXT   NOT NULL  -- its hash
);
INSERT INTO audit_head (head_id, seq, hash) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- When a caller last looked at a list, so that looking is logged once per query and five minutes.
CREATE TABLE sensitive_read (
    actor_id   TEXT   NOT NULL, -- who
    query_hash TEXT   NOT NULL, -- SHA-256 of page and query, hex
    logged_at  BIGINT NOT NULL, -- ms UTC
    PRIMARY KEY (actor_id, query_hash)
);
