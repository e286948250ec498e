-- What changed up to 2022.4 (sessions: 2020.3 and 2020.4; http_requests: 2020.2 and 2022.2; jwt_info: 2021.4; sites: 2022.2).
ALTER TABLE sessions ADD COLUMN oauth_state text, ADD COLUMN initiating_user_id integer;
-- The sequence makes the type of the number matter to nobody; the view does not show it.
ALTER TABLE http_requests ALTER COLUMN id TYPE bigint, ADD COLUMN flags_used text;
ALTER TABLE sites ADD COLUMN unrestricted_embedding_enabled boolean, ADD COLUMN domain_allowlist text;
CREATE TABLE jwt_info (
    id bigint PRIMARY KEY,
    jwt_id character varying,
    issuer character varying,
    expires_at timestamp without time zone
);
GRANT SELECT ON jwt_info TO readonly;
