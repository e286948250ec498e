-- Limits that new sessions of a kind get, so that those which began under earlier ones can be told and listed. One row per
-- system and kind whose limits are known; a session keeps the limits it was made with, so the row is compared with it.

CREATE TABLE kind_limit (
    system_id       TEXT   NOT NULL, -- which system
    kind            TEXT   NOT NULL, -- which kind of session, as in session.kind
    idle_timeout_s  BIGINT,          -- seconds; NULL = unknown, 0 = never ends for idleness
    idle_from       BIGINT NOT NULL, -- ms UTC; sessions that began before and have another idle limit are of an earlier policy
    absolute_s      BIGINT,          -- seconds from start to latest end, whole minutes; NULL = unknown, 0 = no end
    absolute_from   BIGINT NOT NULL, -- the same for absolute_s
    PRIMARY KEY (system_id, kind)
);

-- The newest sessions of a kind, and all its limits, without reading its rows.
CREATE INDEX session_limits ON session (system_id, kind, created_sort, row_no, state, idle_timeout_s, absolute_known, absolute_expires_at) WHERE state = 'live' AND kind <> 'guest';
