-- What a system runs, and what a self-test found on each build: proof of ending on one is none on the next.

ALTER TABLE system ADD COLUMN build TEXT; -- what it ran at the newest reading; NULL = its kind needs no proof by build, or it does not tell

-- The newest self-test of each build of a system.
CREATE TABLE self_test (
    system_id TEXT   NOT NULL, -- which system
    build     TEXT   NOT NULL, -- its own version, as in system.build
    tested_at BIGINT NOT NULL, -- ms UTC
    proven    BIGINT NOT NULL, -- 1 = ended a session and found it dead
    PRIMARY KEY (system_id, build)
);
