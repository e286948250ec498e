-- What changed in 2023.1: the dictionary lists sessions.data no more.
ALTER TABLE sessions DROP COLUMN data;
