-- Every request for a sign-in ticket: issued, or why not. Never the ticket, never the app's token.
CREATE TABLE ticket_issue (
    issue_id     TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- sorts by time
    reference    TEXT   NOT NULL, -- what the app and its people were told: T-XXXXXXXX
    at           BIGINT NOT NULL, -- when it was asked for, ms UTC
    app_id       TEXT   NOT NULL, -- the app's id in the settings; '' = the token named no app Curfew knows
    system_id    TEXT   NOT NULL, -- the app's system; '' = no app known
    place        TEXT   NOT NULL, -- site by its contentUrl; '' = Default site
    site         TEXT   NOT NULL, -- name of that site as the inventory knows it, for scopes; '' = not known
    account      TEXT   NOT NULL, -- user as the app named them; '' = none that was believed
    account_sort TEXT   NOT NULL, -- the same account as the inventory names it, lower-cased
    mail_domain  TEXT   NOT NULL, -- behind the @ of the account, lower-cased; '' = no mail address
    grant_kind   TEXT   NOT NULL, -- ticket | jwt
    way          TEXT   NOT NULL, -- server | browser | test
    outcome      TEXT   NOT NULL, -- issued | unauthorized | replayed | site_not_allowed | … (app/src/tickets/wire.rs)
    cause        TEXT,            -- which check failed, in plain words; NULL = the outcome says it all
    node         TEXT,            -- the Tableau address that answered last; NULL = none was asked
    ip           TEXT,            -- browser's address as the app told it; NULL = not told
    sid_hash     TEXT,            -- SHA-256 of the app's own session id; NULL = not told
    duration_ms  BIGINT NOT NULL  -- from the request to the answer
);
CREATE INDEX ticket_issue_at ON ticket_issue (at);
CREATE INDEX ticket_issue_reference ON ticket_issue (reference);
CREATE INDEX ticket_issue_account ON ticket_issue (system_id, account_sort, at);
CREATE INDEX ticket_issue_app ON ticket_issue (app_id, at);

-- How many requests ended how, by ten minutes: pages count without reading the requests.
CREATE TABLE ticket_tally (
    slot_at       BIGINT NOT NULL, -- when the ten minutes begin, ms UTC
    app_id        TEXT   NOT NULL, -- as in ticket_issue
    system_id     TEXT   NOT NULL, -- as in ticket_issue
    node          TEXT   NOT NULL, -- as in ticket_issue; '' = none was asked
    outcome       TEXT   NOT NULL, -- as in ticket_issue
    request_count BIGINT NOT NULL, -- requests
    PRIMARY KEY (slot_at, app_id, system_id, node, outcome)
);

-- Tokens of apps that were used: each once, on every replica, until it has run out.
CREATE TABLE broker_jti (
    jti_key    TEXT   NOT NULL PRIMARY KEY, -- SHA-256 of the app's id and the token's jti
    expires_at BIGINT NOT NULL -- when the token runs out and this row may go, ms UTC
);
CREATE INDEX broker_jti_expires ON broker_jti (expires_at);

-- Sessions of apps that are over: their cookies ask in vain.
CREATE TABLE broker_dead_sid (
    app_id     TEXT   NOT NULL, -- the app
    sid_hash   TEXT   NOT NULL, -- SHA-256 of the app's own session id
    dead_at    BIGINT NOT NULL, -- since when, ms UTC
    expires_at BIGINT NOT NULL, -- when no cookie of it can be good any more and this row may go, ms UTC
    PRIMARY KEY (app_id, sid_hash)
);
CREATE INDEX broker_dead_sid_expires ON broker_dead_sid (expires_at);

-- People whose sessions Curfew ended: no tickets for them until they have signed in at the app again.
CREATE TABLE broker_hold (
    system_id    TEXT   NOT NULL, -- the Tableau
    place        TEXT   NOT NULL, -- site by its contentUrl; '' = Default site, '*' = every site
    account_sort TEXT   NOT NULL, -- account as the inventory names it, lower-cased
    account      TEXT   NOT NULL, -- the same as it was written
    site         TEXT   NOT NULL, -- name of the site, for scopes; '' = every site, or not known
    mail_domain  TEXT   NOT NULL, -- behind the @ of the account, lower-cased; '' = no mail address
    since_at     BIGINT NOT NULL, -- sign-ins at the app up to then count for nothing, ms UTC
    until_at     BIGINT NOT NULL, -- where the app's token tells no sign-in, it holds until then, ms UTC
    expires_at   BIGINT NOT NULL, -- when it can hold nobody any more and this row may go, ms UTC
    ending_id    TEXT   NOT NULL, -- the ending it comes from
    PRIMARY KEY (system_id, account_sort, place)
);
CREATE INDEX broker_hold_expires ON broker_hold (expires_at);
