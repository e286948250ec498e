-- How far the audit log is copied off the box, per target: a new target begins with the first entry.
CREATE TABLE audit_copy (
    target     TEXT   NOT NULL PRIMARY KEY, -- file:/path | tls://host:port
    seq        BIGINT NOT NULL, -- newest entry that was handed over; 0 = none
    hash       TEXT   NOT NULL, -- its hash; another one in the log = the log was set back; '' = none
    began_at   BIGINT NOT NULL, -- since when this target is in the settings, ms UTC
    copied_at  BIGINT,          -- when that was, ms UTC; NULL = never
    trouble    TEXT,            -- why the last try failed, in plain words; NULL = it did not
    stalled_at BIGINT           -- since when the log tells that it stalled, ms UTC; NULL = it goes on
);

-- What others are told of: written in the transaction of what it tells of, deleted after 30 days.
CREATE TABLE outbox (
    event_id   TEXT   NOT NULL PRIMARY KEY, -- sorts by time; the receiver's key against repeats
    kind       TEXT   NOT NULL, -- ending.settled | audit_copy.stalled | audit_copy.resumed | …
    data       TEXT   NOT NULL, -- json object: no session ids, no secrets, no reasons
    path       TEXT   NOT NULL, -- page of this portal that shows more
    created_at BIGINT NOT NULL, -- ms UTC
    spread_at  BIGINT           -- when its deliveries were made, ms UTC; NULL = not yet
);
CREATE INDEX outbox_spread ON outbox (spread_at, event_id);
CREATE INDEX outbox_created ON outbox (created_at);

-- One event on its way to one receiver.
CREATE TABLE webhook_delivery (
    event_id   TEXT   NOT NULL, -- what
    receiver   TEXT   NOT NULL, -- to whom: start of the SHA-256 of the receiver's url, which may hold a secret
    host       TEXT   NOT NULL, -- the receiver's host, for people
    state      TEXT   NOT NULL, -- pending | delivered | given_up
    attempts   BIGINT NOT NULL, -- tries so far
    next_at    BIGINT NOT NULL, -- next try, ms UTC
    trouble    TEXT,            -- why the last try failed, in plain words
    settled_at BIGINT,          -- delivered or given up then, ms UTC; NULL = pending
    PRIMARY KEY (event_id, receiver)
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (state, next_at);
