-- A portal session whose screen others see, and notices to people about their own account.

ALTER TABLE portal_session ADD COLUMN screen_share BIGINT NOT NULL DEFAULT 0; -- 1 = network data is hidden in this session until it says otherwise

-- What a person is told about their own account: above their pages until they take it off, on the account page for a year.
CREATE TABLE account_notice (
    notice_id         TEXT   NOT NULL PRIMARY KEY, -- UUIDv7
    operator_id       TEXT   NOT NULL REFERENCES operator (operator_id), -- whom it tells
    kind              TEXT   NOT NULL, -- word of what happened: factor_reset, password_changed, new_address, ...
    by_name           TEXT,            -- who did it; NULL = they themselves
    ip                TEXT,            -- address it was done from; NULL = not known
    portal_session_id TEXT,            -- the session that did it: the notice is not shown there; NULL = none
    created_at        BIGINT NOT NULL, -- ms UTC
    dismissed_at      BIGINT           -- ms UTC when its person took it off; NULL = open
);
CREATE INDEX account_notice_operator ON account_notice (operator_id, created_at);

-- Addresses a person has signed in from, to tell them of a new one.
CREATE TABLE operator_address (
    operator_id  TEXT   NOT NULL REFERENCES operator (operator_id), -- who
    ip           TEXT   NOT NULL, -- as of the request
    last_seen_at BIGINT NOT NULL, -- ms UTC of the last sign-in from there; forgotten a year later
    PRIMARY KEY (operator_id, ip)
);
INSERT INTO operator_address (operator_id, ip, last_seen_at)
    SELECT operator_id, ip, MAX(created_at) FROM portal_session WHERE ip IS NOT NULL GROUP BY operator_id, ip;
