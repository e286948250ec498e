-- Scopes by people: groups of accounts, mail domains, and protected groups and roles.

-- A group of accounts, for scopes and the protected list.
CREATE TABLE subject_group (
    group_id   TEXT   NOT NULL PRIMARY KEY, -- UUIDv7
    name       TEXT   NOT NULL UNIQUE,      -- as shown
    source     TEXT   NOT NULL,             -- import: the list was given by a person
    changed_by TEXT,                        -- operator_id of the last import; NULL = command line
    changed_at BIGINT NOT NULL              -- ms UTC of the last import
);

-- The accounts of groups.
CREATE TABLE subject_group_member (
    group_id TEXT NOT NULL REFERENCES subject_group (group_id) ON DELETE CASCADE, -- of which
    account  TEXT NOT NULL, -- account name in every system, lower-cased
    PRIMARY KEY (group_id, account)
);

ALTER TABLE session ADD COLUMN mail_domain TEXT NOT NULL DEFAULT ''; -- of the mail, else of an account name that is one; lower-cased, '' = none
UPDATE session SET mail_domain = lower(substr(email, instr(email, '@') + 1)) WHERE email LIKE '%_@_%';
UPDATE session SET mail_domain = substr(account_sort, instr(account_sort, '@') + 1)
    WHERE mail_domain = '' AND COALESCE(email, '') = '' AND account_sort LIKE '%_@_%';
CREATE INDEX session_people ON session (account_sort, state, last_active_sort);
CREATE INDEX session_mail_domain ON session (mail_domain, state) WHERE mail_domain <> '';

ALTER TABLE ending_item ADD COLUMN account_sort TEXT NOT NULL DEFAULT ''; -- copied from the session: account name, lower-cased
ALTER TABLE ending_item ADD COLUMN mail_domain TEXT NOT NULL DEFAULT '';  -- copied
UPDATE ending_item SET account_sort = lower(account_name);

ALTER TABLE protected_subject RENAME COLUMN account TO who; -- by kind: account name or mail domain, lower-cased; group_id; role_id
ALTER TABLE protected_subject ADD COLUMN kind TEXT NOT NULL DEFAULT 'account'; -- account | domain | group | role

-- Scopes are people in places now. Accounts of several systems in one grant can't be said that way: such a grant gives
-- nothing until it is given anew.
UPDATE role_grant SET scope = '{"places":"everywhere","people":"everybody"}'
    WHERE json_extract(scope, '$.kind') = 'everywhere';
UPDATE role_grant SET scope = json_object('places', json_object('systems', json(json_extract(scope, '$.systems'))), 'people', 'everybody')
    WHERE json_extract(scope, '$.kind') = 'systems';
UPDATE role_grant SET scope = json_object(
    'places', CASE WHEN json_extract(scope, '$.accounts[0].system_id') IS NULL THEN 'everywhere'
        ELSE json_object('systems', json_array(json_extract(scope, '$.accounts[0].system_id'))) END,
    'people', json_object('these', json_object('accounts',
        (SELECT json_group_array(json_extract(a.value, '$.account')) FROM json_each(role_grant.scope, '$.accounts') a))))
    WHERE json_extract(scope, '$.kind') = 'accounts' AND (SELECT COUNT(DISTINCT COALESCE(json_extract(a.value, '$.system_id'), ''))
        FROM json_each(role_grant.scope, '$.accounts') a) = 1;
