-- Lists that somebody saved under a name: an address, never a set of rows and never a right.
CREATE TABLE saved_view (
    view_id    TEXT   NOT NULL PRIMARY KEY, -- UUIDv7
    owner_id   TEXT   NOT NULL REFERENCES operator (operator_id), -- who made it and may change it
    name       TEXT   NOT NULL, -- as shown
    name_sort  TEXT COLLATE "C" NOT NULL, -- lower-cased
    query      TEXT   NOT NULL, -- canonical query string of the list, without page and selection
    role_id    TEXT,            -- who holds this role finds it too; NULL = its owner alone
    created_at BIGINT NOT NULL, -- ms UTC
    changed_at BIGINT NOT NULL  -- ms UTC
);
CREATE UNIQUE INDEX saved_view_owner ON saved_view (owner_id, name_sort);
CREATE INDEX saved_view_role ON saved_view (role_id);
