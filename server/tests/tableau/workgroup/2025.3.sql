-- What changed up to 2025.3 (sessions and sites: 2023.3; max_service_token_limit_per_user: 2024.2).
ALTER TABLE sessions ADD COLUMN external_user_id character varying;
ALTER TABLE sites
    ADD COLUMN allow_pat_creation boolean,
    ADD COLUMN allow_pat_group character varying,
    ADD COLUMN pat_absolute_expiry integer,
    ADD COLUMN refresh_token_absolute_expiry integer,
    ADD COLUMN max_service_token_limit_per_user integer;
