-- One connected installation, as the settings name it and as the last reading found it.
CREATE TABLE system (
    system_id       TEXT   NOT NULL PRIMARY KEY, -- key of the settings entry: [a-z0-9_-]{1,40}
    kind            TEXT COLLATE "C" NOT NULL, -- the connector: portal | simulator | tomcat | …
    name            TEXT   NOT NULL, -- as shown
    settings_hash   TEXT   NOT NULL, -- changes when the settings entry changes
    configured      BIGINT NOT NULL, -- 1 = stands in the settings; 0 = was taken out, rows stay until retention
    simulated       BIGINT NOT NULL, -- 1 = our own imitation, labelled on every page
    abilities       TEXT   NOT NULL, -- json: what the connector can do (app/src/systems/wire.rs, Abilities)
    paused_at       BIGINT,          -- ms UTC; NULL = is being read
    paused_by       TEXT,            -- operator_id
    last_complete_pass_started_at BIGINT, -- ms UTC; the age of its rows; NULL = never read whole
    last_pass_started_at  BIGINT,    -- ms UTC of the newest pass, whatever became of it
    last_pass_took_ms     BIGINT,    -- how long it took
    last_rows             BIGINT,    -- live rows after the last complete pass
    last_error            TEXT,      -- what went wrong in the newest pass, safe to show; NULL = nothing
    last_error_kind       TEXT,      -- unreachable | unauthorized | forbidden | rate_limited | protocol | partial
    last_error_at         BIGINT,    -- ms UTC
    failures              BIGINT NOT NULL DEFAULT 0, -- passes in a row that were not complete
    next_pass_at          BIGINT NOT NULL DEFAULT 0, -- ms UTC; 0 = as soon as possible
    proven_at       BIGINT,          -- ms UTC of the last self-test that ended a session and found it dead
    proven_build    TEXT,            -- the system's own version at that time
    self_test       TEXT             -- json: newest self-test, step by step (app/src/systems/wire.rs, SelfTestReport)
);
