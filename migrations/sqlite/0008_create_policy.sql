-- The wish: limits of Curfew's own sessions, one row per version.
CREATE TABLE policy (
    system_id           TEXT   NOT NULL, -- 'curfew' now; other systems' wishes later
    version             BIGINT NOT NULL, -- 1, 2, 3 …
    idle_timeout_s      BIGINT NOT NULL, -- seconds
    absolute_lifetime_s BIGINT NOT NULL, -- seconds
    reason              TEXT   NOT NULL, -- why, in the changer's words
    changed_by          TEXT,            -- operator_id; NULL = set-up
    changed_by_name     TEXT   NOT NULL, -- as shown then
    changed_at          BIGINT NOT NULL, -- ms UTC
    PRIMARY KEY (system_id, version)
);

-- What a system's limits were when somebody looked: immutable.
CREATE TABLE policy_snapshot (
    policy_snapshot_id  TEXT   NOT NULL PRIMARY KEY, -- UUIDv7
    system_id           TEXT   NOT NULL, -- of which system
    taken_at            BIGINT NOT NULL, -- ms UTC
    source              TEXT   NOT NULL, -- read | typed | set_here | seen (off the listed sessions)
    source_note         TEXT,            -- who typed it, from what file …
    idle_timeout_s      BIGINT,          -- seconds; NULL = unknown, 0 = no limit
    absolute_lifetime_s BIGINT           -- seconds; NULL = unknown, 0 = no limit
);
CREATE INDEX policy_snapshot_system ON policy_snapshot (system_id, taken_at);
