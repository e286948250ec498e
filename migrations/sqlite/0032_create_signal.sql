-- Signals: an identity server told that somebody is signed out there. Never its token, its session id or a service ticket.
CREATE TABLE signal_in (
    signal_id       TEXT   NOT NULL PRIMARY KEY, -- UUIDv7: sorts by time
    reference       TEXT   NOT NULL, -- S-XXXXXXXX: the ticket number of the ending it leads to
    received_at     BIGINT NOT NULL, -- ms UTC
    rule_id         TEXT   NOT NULL, -- id of the [[signals]] entry it came by
    way             TEXT   NOT NULL, -- oidc | cas
    system_id       TEXT   NOT NULL, -- the identity server
    place           TEXT   NOT NULL, -- realm there; '' = it has none
    principal       TEXT   NOT NULL, -- whom it names: sub, or the user name of CAS; '' = nobody by name
    session_keys    TEXT   NOT NULL, -- keyed hashes of the session id (CAS: service ticket) it names, with a space between; '' = none
    state           TEXT   NOT NULL, -- waiting | done
    attempts        BIGINT NOT NULL, -- times it was begun to be worked off
    next_attempt_at BIGINT NOT NULL, -- ms UTC; not before
    done_at         BIGINT,          -- ms UTC; NULL = waiting
    mode            TEXT,            -- report | end, as the rule was when it was worked off; NULL = waiting
    outcome         TEXT,            -- ending | report | over_limit | in_hand | … (app/src/signals/wire.rs); NULL = waiting
    detail          TEXT   NOT NULL, -- why, in plain words; '' = the outcome says it all
    subject_id      TEXT,            -- the person; NULL = nobody was matched
    account_name    TEXT   NOT NULL, -- their user name at the identity server; '' = nobody was matched
    account_sort    TEXT   NOT NULL, -- the same, lower-cased
    site            TEXT   NOT NULL, -- its site there, for scopes; '' = none
    mail_domain     TEXT   NOT NULL, -- of that account, lower-cased; '' = none
    ending_no       BIGINT           -- the ending it led to, or that was at work already; NULL = none
);
CREATE INDEX signal_in_waiting ON signal_in (state, next_attempt_at);
CREATE INDEX signal_in_done ON signal_in (rule_id, outcome, done_at);
CREATE INDEX signal_in_received ON signal_in (received_at);

-- Sessions that a signal meant when it was worked off.
CREATE TABLE signal_session (
    signal_id    TEXT   NOT NULL, -- of which
    session_key  TEXT   NOT NULL, -- the session
    system_id    TEXT   NOT NULL, -- copied, for scopes
    site         TEXT   NOT NULL, -- copied
    account_name TEXT   NOT NULL, -- copied
    account_sort TEXT   NOT NULL, -- copied
    mail_domain  TEXT   NOT NULL, -- copied
    PRIMARY KEY (signal_id, session_key)
);

-- Signals that came: each once, on every replica, until it would not be taken any more.
CREATE TABLE signal_seen (
    seen_key   TEXT   NOT NULL PRIMARY KEY, -- SHA-256 of the rule's id and the signal's own (jti, ID)
    expires_at BIGINT NOT NULL -- when it is too old to be taken and this row may go, ms UTC
);
CREATE INDEX signal_seen_expires ON signal_seen (expires_at);
