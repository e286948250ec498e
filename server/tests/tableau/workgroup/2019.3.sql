-- Tableau's repository as its data dictionary of 2019.3 describes it: the tables and views that matter for sessions,
-- with these columns and no others. Later releases are what the next files change. All moments are UTC without zone.

CREATE TABLE domains (
    id integer PRIMARY KEY,
    name character varying,
    short_name character varying,
    active boolean,
    family character varying
);
CREATE TABLE system_users (
    id integer PRIMARY KEY,
    name character varying,
    email character varying,
    friendly_name character varying,
    custom_display_name boolean,
    domain_id integer,
    admin_level integer,
    last_failed_login timestamp without time zone,
    failed_login_attempts integer
);
CREATE TABLE sites (
    id integer PRIMARY KEY,
    name character varying,
    url_namespace character varying,
    status character varying,
    luid uuid,
    guest_access_enabled boolean
);
CREATE TABLE users (
    id integer PRIMARY KEY,
    login_at timestamp without time zone,
    created_at timestamp without time zone,
    updated_at timestamp without time zone,
    site_id integer,
    system_user_id integer,
    system_admin_auto boolean,
    luid uuid,
    lock_version integer,
    site_role_id integer
);
CREATE TABLE sessions (
    id serial PRIMARY KEY,
    session_id character varying UNIQUE,
    data text,
    updated_at timestamp without time zone,
    user_id integer,
    shared_wg_write text,
    shared_vizql_write text,
    site_id integer,
    created_at timestamp without time zone,
    lock_version integer,
    salt character varying,
    hashed_secret character varying
);
CREATE TABLE http_requests (
    id serial PRIMARY KEY,
    controller character varying,
    action character varying,
    http_referer character varying,
    http_user_agent character varying,
    http_request_uri text,
    remote_ip character varying,
    created_at timestamp without time zone,
    session_id character varying,
    completed_at timestamp without time zone,
    port integer,
    user_id integer,
    worker character varying,
    status integer,
    user_cookie character varying,
    vizql_session text,
    user_ip character varying,
    currentsheet character varying,
    site_id integer
);
CREATE TABLE trusted_tickets (
    id serial PRIMARY KEY,
    username character varying,
    ticket character varying,
    client_ip character varying,
    created_at timestamp without time zone,
    user_id integer,
    expires_at timestamp without time zone,
    site_id integer,
    originating_session_id character varying,
    guid character varying,
    salt character varying,
    hashed_ticket character varying
);

-- Whether the real view leaves out sessions without a user row is not documented; this one does, which is the harder case.
CREATE VIEW _sessions AS
    SELECT s.session_id, s.updated_at, s.user_id, su.name AS user_name, su.id AS system_user_id, s.site_id
    FROM sessions s JOIN users u ON u.id = s.user_id JOIN system_users su ON su.id = u.system_user_id;
CREATE VIEW _sites AS SELECT id, name, url_namespace, status FROM sites;
CREATE VIEW _system_users AS
    SELECT su.id, su.name, su.email, su.friendly_name, su.custom_display_name, su.admin_level,
        d.name AS domain_name, d.short_name AS domain_short_name, d.family AS domain_family
    FROM system_users su LEFT JOIN domains d ON d.id = su.domain_id;
CREATE VIEW _users AS
    SELECT u.id, su.name, u.login_at, su.friendly_name, u.site_role_id AS licensing_role_id,
        CASE u.site_role_id WHEN 0 THEN 'SiteAdministrator' WHEN 7 THEN 'Guest' WHEN 8 THEN 'Unlicensed'
            ELSE 'Interactor' END::character varying AS licensing_role_name,
        su.domain_id, u.system_user_id, d.name AS domain_name, d.short_name AS domain_short_name, u.site_id
    FROM users u JOIN system_users su ON su.id = u.system_user_id LEFT JOIN domains d ON d.id = su.domain_id;
CREATE VIEW _http_requests AS
    SELECT controller, action, http_referer, http_user_agent, http_request_uri, remote_ip, created_at, session_id,
        completed_at, port, user_id, worker, vizql_session, user_ip, currentsheet, site_id
    FROM http_requests;

-- The two users that an administrator can let in. Roles are the whole server's, and tests run side by side.
DO $$ BEGIN CREATE ROLE readonly LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE tableau LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO readonly;
GRANT SELECT ON _sessions, _sites, _system_users, _users, _http_requests TO tableau;
