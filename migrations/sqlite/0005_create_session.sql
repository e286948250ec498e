-- What the systems last reported: one row per session, never its id.
-- Columns ending in _sort are NOT NULL twins for keyset pages: text lower-cased in byte order, moments as ms.
CREATE TABLE session (
    row_no              INTEGER NOT NULL PRIMARY KEY, -- number the search index knows the row by; given by the database
    session_key         TEXT   NOT NULL UNIQUE, -- HMAC-SHA-256 over system, place, kind and raw handle; 128 bits, hex
    key_id              TEXT   NOT NULL, -- which keyed-hash key made session_key
    system_id           TEXT   NOT NULL, -- where
    place               TEXT   NOT NULL, -- what makes a handle unique inside the system (context, realm, site); '' = nothing
    handle_hint         TEXT   NOT NULL, -- last 4 characters of the handle
    account_id          TEXT   NOT NULL, -- the system's own id of the account; '' = not reported
    account_name        TEXT   NOT NULL, -- user name there; '' = not reported
    display_name        TEXT   NOT NULL, -- as the system shows the person; '' = not reported
    email               TEXT,            -- NULL = not reported
    subject_id          TEXT,            -- the person above the account; NULL = not linked
    kind                TEXT   NOT NULL, -- sso | offline | leg | web | mobile | embedded | portal | other
    raw_kind            TEXT,            -- the system's own code when kind is 'other'
    state               TEXT   NOT NULL, -- live | ended | vanished
    ip                  TEXT,            -- NULL = not reported
    user_agent          TEXT,            -- NULL = not reported
    browser             TEXT   NOT NULL, -- '' = not reported
    os                  TEXT   NOT NULL, -- '' = not reported
    node                TEXT,            -- server of a cluster that reported it; NULL = one server
    site                TEXT   NOT NULL, -- '' = the system has none
    created_at          BIGINT,          -- ms UTC; NULL = not reported
    last_active_at      BIGINT,          -- ms UTC; NULL = not reported
    idle_timeout_s      BIGINT,          -- seconds; NULL = not reported, 0 = never ends for idleness
    idle_ends_at        BIGINT,          -- ms UTC; NULL = no limit or not reported (idle_timeout_s tells which)
    absolute_expires_at BIGINT,          -- ms UTC; NULL = no limit or not reported (absolute_known tells which)
    absolute_known      BIGINT NOT NULL, -- 1 = the system says whether there is a limit
    policy_snapshot_id  TEXT,            -- the limits in force when it was first seen
    endable             TEXT   NOT NULL, -- yes | own_connection | no
    endable_why         TEXT,            -- why not, and what works instead
    return_hint         TEXT,            -- why the browser would sign itself in again; NULL = no such sign
    observed_at         BIGINT,          -- ms UTC when read singly; NULL = the age is the system's last complete pass
    seen_pass           BIGINT NOT NULL, -- start of the newest pass that met it, ms UTC
    first_seen_at       BIGINT NOT NULL, -- ms UTC
    gone_at             BIGINT,          -- ms UTC; NULL = live
    gone_how            TEXT,            -- ended (by an ending of ours) | vanished (was not in a complete reading)
    row_hash            TEXT   NOT NULL, -- over the reported fields: rows are written only when it changes
    search_text         TEXT   NOT NULL, -- name, account, mail, IP and hint, lower-cased, a line each
    person_sort         TEXT   NOT NULL, -- display name, else account name
    account_sort        TEXT   NOT NULL, -- account name
    system_sort         TEXT   NOT NULL, -- the system's name
    client_sort         TEXT   NOT NULL, -- browser and os
    ip_sort             TEXT   NOT NULL, -- 32 hex digits, IPv4 mapped into IPv6; '~' = none
    created_sort        BIGINT NOT NULL, -- 0 = none
    last_active_sort    BIGINT NOT NULL, -- 0 = none
    idle_ends_sort      BIGINT NOT NULL, -- i64::MAX = none
    absolute_sort       BIGINT NOT NULL  -- i64::MAX = none
);
CREATE INDEX session_last_active ON session (state, last_active_sort, session_key);
CREATE INDEX session_person ON session (state, person_sort, session_key);
CREATE INDEX session_idle_ends ON session (state, idle_ends_sort, session_key);
CREATE INDEX session_absolute ON session (state, absolute_sort, session_key);
CREATE INDEX session_created ON session (state, created_sort, session_key);
CREATE INDEX session_kind ON session (state, kind, session_key);
CREATE INDEX session_system ON session (state, system_sort, session_key);
CREATE INDEX session_hint ON session (state, handle_hint, session_key);
CREATE INDEX session_ip ON session (state, ip_sort, session_key);
CREATE INDEX session_client ON session (state, client_sort, session_key);
CREATE INDEX session_system_state ON session (system_id, state, last_active_sort, session_key);
CREATE INDEX session_account ON session (system_id, account_id);
CREATE INDEX session_gone ON session (gone_at);

-- Substring search. Kept current by triggers; needles under 3 characters scan.
CREATE VIRTUAL TABLE session_search USING fts5 (search_text, content='session', content_rowid='row_no', tokenize='trigram', detail='none');
CREATE TRIGGER session_search_insert AFTER INSERT ON session BEGIN
    INSERT INTO session_search (rowid, search_text) VALUES (new.row_no, new.search_text);
END;
CREATE TRIGGER session_search_delete AFTER DELETE ON session BEGIN
    INSERT INTO session_search (session_search, rowid, search_text) VALUES ('delete', old.row_no, old.search_text);
END;
CREATE TRIGGER session_search_update AFTER UPDATE OF search_text ON session WHEN old.search_text <> new.search_text BEGIN
    INSERT INTO session_search (session_search, rowid, search_text) VALUES ('delete', old.row_no, old.search_text);
    INSERT INTO session_search (rowid, search_text) VALUES (new.row_no, new.search_text);
END;
