-- The time-limited right to work on a system. Every write of results names the epoch and fails if it moved.
CREATE TABLE lease (
    purpose   TEXT   NOT NULL, -- collect | end | watch | retention
    system_id TEXT   NOT NULL, -- '' = the whole portal
    owner     TEXT   NOT NULL, -- replica that holds it
    epoch     BIGINT NOT NULL, -- grows with each new holder
    until     BIGINT NOT NULL, -- ms UTC
    PRIMARY KEY (purpose, system_id)
);

-- "Something changed": replicas and browsers read again when the version moved.
CREATE TABLE change (
    topic   TEXT   NOT NULL PRIMARY KEY, -- sessions:<system_id> | ending:<ending_id> | endings | systems | access | portal_sessions
    version BIGINT NOT NULL  -- grows
);

-- Switches of the whole portal.
CREATE TABLE portal_switch (
    name       TEXT   NOT NULL PRIMARY KEY, -- pause_endings
    value      TEXT   NOT NULL, -- on | off
    changed_by TEXT   NOT NULL, -- operator_id
    changed_by_name TEXT NOT NULL, -- as shown then
    reason     TEXT   NOT NULL, -- why
    changed_at BIGINT NOT NULL  -- ms UTC
);
