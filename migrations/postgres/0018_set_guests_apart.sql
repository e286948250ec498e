-- Sessions that nobody signed in with (kind 'guest') stand apart: lists leave them out, and however many there are, the
-- indexes that lists walk hold none of them. A query is given such an index only where it says kind <> 'guest' itself.

DROP INDEX session_last_active;
DROP INDEX session_person;
DROP INDEX session_idle_ends;
DROP INDEX session_absolute;
DROP INDEX session_created;
DROP INDEX session_kind;
DROP INDEX session_system;
DROP INDEX session_hint;
DROP INDEX session_ip;
DROP INDEX session_client;
DROP INDEX session_system_state;
CREATE INDEX session_last_active ON session (state, last_active_sort, session_key) WHERE kind <> 'guest';
CREATE INDEX session_person ON session (state, person_sort, session_key) WHERE kind <> 'guest';
CREATE INDEX session_idle_ends ON session (state, idle_ends_sort, session_key, kind) WHERE kind <> 'guest';
CREATE INDEX session_absolute ON session (state, absolute_sort, session_key, kind) WHERE kind <> 'guest';
CREATE INDEX session_created ON session (state, created_sort, session_key) WHERE kind <> 'guest';
CREATE INDEX session_kind ON session (state, kind, session_key) WHERE kind <> 'guest';
CREATE INDEX session_system ON session (state, system_sort, session_key) WHERE kind <> 'guest';
CREATE INDEX session_hint ON session (state, handle_hint, session_key) WHERE kind <> 'guest';
CREATE INDEX session_ip ON session (state, ip_sort, session_key) WHERE kind <> 'guest';
CREATE INDEX session_client ON session (state, client_sort, session_key) WHERE kind <> 'guest';
CREATE INDEX session_guest ON session (state, last_active_sort, session_key, kind) WHERE kind = 'guest';
-- Of all kinds: the collector and the count after a reading need every row of a system.
CREATE INDEX session_system_state ON session (system_id, state, last_active_sort, session_key, kind);

ALTER TABLE session ADD COLUMN person_doubt TEXT;     -- why the person could not be told for sure; NULL = who is named, or nobody is
ALTER TABLE ending_item ADD COLUMN person_doubt TEXT; -- copied from the session

-- What never ends for idleness though its system ends others is worth a number of its own.
CREATE INDEX session_never_idle ON session (state, system_id, session_key, kind) WHERE idle_timeout_s = 0 AND kind <> 'guest';

ALTER TABLE policy_snapshot ADD COLUMN places TEXT NOT NULL DEFAULT '[]'; -- JSON, by place: [place, idle seconds (null = unknown, 0 = no limit), note]
