-- People above accounts: which accounts of which systems are one person, and how that is known.

-- A person, or a machine with an account of its own. Everything that is shown of it comes from its accounts.
CREATE TABLE subject (
    subject_id TEXT   NOT NULL PRIMARY KEY, -- UUIDv7
    created_at BIGINT NOT NULL              -- ms UTC when the first account was met
);

-- An account of a system, as its sessions last told it. It belongs to one person always: to one of its own at first.
CREATE TABLE subject_account (
    account_key TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- UUIDv7
    subject_id   TEXT   NOT NULL, -- whose: collated as in session, or their indexes could not be compared
    system_id    TEXT   NOT NULL, -- where
    place        TEXT   NOT NULL, -- what tells accounts of one system apart: context, realm, site; '' = nothing
    site         TEXT   NOT NULL, -- '' = the system has none
    account      TEXT COLLATE "C" NOT NULL, -- which there: 'id:' and the system's own id, else 'name:' and the name, lower-cased
    principal    TEXT   NOT NULL, -- the system's own id, else the name as written: what an identity server is asked about
    account_name TEXT   NOT NULL, -- user name there; '' = not reported
    account_sort TEXT COLLATE "C" NOT NULL, -- the same, lower-cased
    bare_sort TEXT COLLATE "C" NOT NULL, -- the same without its domain: what look-alikes share
    display_name TEXT   NOT NULL, -- as the system shows the person; '' = not reported
    person_sort TEXT COLLATE "C" NOT NULL, -- display name, else account name, lower-cased
    email        TEXT   NOT NULL, -- lower-cased; '' = not reported
    mail_domain  TEXT   NOT NULL, -- of the mail, else of an account name that is one; lower-cased, '' = none
    ground       TEXT   NOT NULL, -- own (nothing links it) | identity_server | mail | name_space | hand
    ground_with  TEXT,            -- account_key of the account of the same person that it is linked to; NULL = none
    ground_words TEXT   NOT NULL, -- name space, identity server, or the reason of who linked it; '' = none
    linked_by    TEXT   NOT NULL, -- name of who linked it; '' = a rule, or nobody
    linked_at    BIGINT,          -- ms UTC; NULL = nothing links it
    met_at       BIGINT NOT NULL, -- ms UTC when it was first met
    checked_by   TEXT   NOT NULL, -- hash of the rules it was last looked at with; '' = new or changed
    UNIQUE (system_id, place, site, account)
);
CREATE INDEX subject_account_subject ON subject_account (subject_id);
CREATE INDEX subject_account_principal ON subject_account (principal);
CREATE INDEX subject_account_name ON subject_account (account_sort);
CREATE INDEX subject_account_bare ON subject_account (bare_sort);
CREATE INDEX subject_account_email ON subject_account (email) WHERE email <> '';
CREATE INDEX subject_account_checked ON subject_account (checked_by);

-- Two accounts that are not one person: somebody cut them apart, and no rule links them again.
CREATE TABLE subject_cut (
    account_a TEXT COLLATE "C" NOT NULL, -- account_key, the lesser of the two
    account_b TEXT COLLATE "C" NOT NULL, -- account_key, the greater
    cut_by    TEXT   NOT NULL, -- name of who did
    reason    TEXT   NOT NULL, -- why
    cut_at    BIGINT NOT NULL, -- ms UTC
    PRIMARY KEY (account_a, account_b)
);
CREATE INDEX subject_cut_other ON subject_cut (account_b);

-- Sessions of a person, and live sessions whose account was not looked at yet: with the column that is NULL in front, or a
-- planner reads all that live instead.
CREATE INDEX session_subject ON session (subject_id, state) WHERE subject_id IS NOT NULL;
CREATE INDEX session_unlinked ON session (subject_id)
    WHERE subject_id IS NULL AND state = 'live' AND kind <> 'guest' AND (account_id <> '' OR account_sort <> '');
