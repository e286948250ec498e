-- What a person has ticked, kept on the server so that pages, sorts and reloads do not lose it.
CREATE TABLE selection (
    selection_id TEXT   NOT NULL PRIMARY KEY, -- UUIDv4: stands in addresses, opens nothing for anyone but its operator
    operator_id  TEXT   NOT NULL, -- whose
    mode         TEXT   NOT NULL, -- some = the items | all = everything the query matches when the preview opens
    query        TEXT   NOT NULL, -- canonical query string of the list it was made on
    created_at   BIGINT NOT NULL, -- ms UTC
    expires_at   BIGINT NOT NULL  -- ms UTC
);
CREATE INDEX selection_expires ON selection (expires_at);

-- The ticked rows of a selection in mode `some`.
CREATE TABLE selection_item (
    selection_id TEXT NOT NULL REFERENCES selection (selection_id) ON DELETE CASCADE, -- of which
    session_key  TEXT COLLATE "C" NOT NULL, -- the row
    PRIMARY KEY (selection_id, session_key)
);

-- An operator's request to end sessions. In state `draft` it is a preview: its items are frozen, nothing was asked.
CREATE TABLE ending (
    ending_id     TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- UUIDv7
    ending_no     BIGINT UNIQUE,   -- the number people say, given when it is confirmed; NULL = draft
    caller_kind   TEXT   NOT NULL, -- operator | token | rule
    caller_id     TEXT   NOT NULL, -- who asked
    caller_name   TEXT   NOT NULL, -- their name then
    caller_session_id TEXT,        -- the asker's own portal session, left out; NULL = none
    reason        TEXT,            -- NULL while draft
    ticket_ref    TEXT,            -- NULL = none given
    query         TEXT   NOT NULL, -- canonical query string it was made from, to lead back to the list
    selection_id  TEXT,            -- the selection it was made from
    snapshot_hash TEXT   NOT NULL, -- SHA-256 over the frozen items, hex
    state         TEXT   NOT NULL, -- draft | waiting | running | paused | settled | cancelled
    pause_why     TEXT,            -- why it waits for a person; NULL = it does not
    include_own   BIGINT NOT NULL DEFAULT 0, -- 1 = the asker chose to end their own session too
    include_protected BIGINT NOT NULL DEFAULT 0, -- 1 = protected people were taken in by somebody with ForceEnd
    not_before    BIGINT,          -- ms UTC; NULL = now
    created_at    BIGINT NOT NULL, -- ms UTC: the moment the set was frozen
    expires_at    BIGINT NOT NULL, -- ms UTC: a draft can't be confirmed after it
    confirmed_at  BIGINT,          -- ms UTC
    settled_at    BIGINT,          -- ms UTC when every item had an outcome
    watch_until   BIGINT,          -- ms UTC: until then people who come back are looked for
    next_watch_at BIGINT,          -- ms UTC; NULL = no more looks
    item_count    BIGINT NOT NULL, -- sessions to end
    person_count  BIGINT NOT NULL, -- accounts among them
    system_count  BIGINT NOT NULL, -- systems among them
    left_out_count BIGINT NOT NULL -- rows of the selection that are not items
);
CREATE INDEX ending_state ON ending (state, confirmed_at);
CREATE INDEX ending_caller ON ending (caller_id, created_at);

-- One session of an ending: the durable queue.
CREATE TABLE ending_item (
    ending_id          TEXT COLLATE "C" NOT NULL REFERENCES ending (ending_id) ON DELETE CASCADE, -- of which
    session_key        TEXT COLLATE "C" NOT NULL, -- what to end
    system_id          TEXT   NOT NULL, -- where
    place              TEXT   NOT NULL, -- copied from the session
    site               TEXT   NOT NULL, -- copied
    subject_id         TEXT,            -- copied
    account_id         TEXT   NOT NULL, -- copied: must still be the same when it is ended
    account_name       TEXT   NOT NULL, -- copied
    display_name       TEXT   NOT NULL, -- copied
    person_sort        TEXT COLLATE "C" NOT NULL, -- copied
    handle_hint        TEXT COLLATE "C" NOT NULL, -- copied
    kind               TEXT COLLATE "C" NOT NULL, -- copied
    session_created_at BIGINT,          -- ms UTC, copied: finds a session whose id was rotated
    left_out           TEXT,            -- NULL = to be ended | own_session | own_connection | protected | outside_grant | unsupported | not_live
    state              TEXT   NOT NULL, -- waiting | asked | settled
    outcome            TEXT,            -- ended | already_gone | rotated | still_there | refused | unsupported | unknown | stopped; NULL = not settled
    answer             TEXT,            -- what the system last said: accepted | not_found | refused | no_answer; NULL = not asked
    detail             TEXT,            -- the system's words or ours, safe to show
    attempts           BIGINT NOT NULL DEFAULT 0, -- asks so far
    next_attempt_at    BIGINT NOT NULL DEFAULT 0, -- ms UTC; not taken before
    looks              BIGINT NOT NULL DEFAULT 0, -- readings in a row that told nothing about it
    rotated_key        TEXT COLLATE "C", -- the new id that was asked to end instead, as session_key; NULL = none
    leased_until       BIGINT NOT NULL DEFAULT 0, -- ms UTC; a worker holds it until then
    asked_at           BIGINT,          -- ms UTC of the newest ask, written before it left
    settled_at         BIGINT,          -- ms UTC
    read_back_at       BIGINT,          -- ms UTC when the system was read again
    residual_until     BIGINT,          -- ms UTC until which something ended may still work; NULL = nothing known
    returned_at        BIGINT,          -- ms UTC when the same account was seen back; NULL = not seen
    returned_system_id TEXT,            -- the system that let it in
    changed_at         BIGINT NOT NULL, -- ms UTC of the newest change, for "newest change first"
    PRIMARY KEY (ending_id, session_key)
);
CREATE INDEX ending_item_due ON ending_item (system_id, state, next_attempt_at);
CREATE INDEX ending_item_session ON ending_item (session_key);
CREATE INDEX ending_item_changed ON ending_item (ending_id, changed_at);
CREATE INDEX ending_item_outcome ON ending_item (ending_id, state, outcome);
