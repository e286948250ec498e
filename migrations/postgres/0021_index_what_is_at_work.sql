-- Lists walk live rows. Their indexes hold nothing else, so a session that goes leaves them and enters only a few: with
-- the state in front, each of a dozen indexes had to be written twice for it. Rows of equal value stand in the order of
-- row_no, named in each; the 32 characters of session_key made up half of each index.
-- A query is given such an index only where it says state = 'live' and kind <> 'guest' itself.

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
DROP INDEX session_guest;
DROP INDEX session_system_state;
DROP INDEX session_people;
DROP INDEX session_never_idle;
CREATE INDEX session_last_active ON session (last_active_sort, row_no) WHERE state = 'live' AND kind <> 'guest';
CREATE INDEX session_person ON session (person_sort, row_no) WHERE state = 'live' AND kind <> 'guest';
CREATE INDEX session_created ON session (created_sort, row_no) WHERE state = 'live' AND kind <> 'guest';
CREATE INDEX session_kind ON session (kind, row_no) WHERE state = 'live' AND kind <> 'guest';
CREATE INDEX session_system ON session (system_sort, row_no) WHERE state = 'live' AND kind <> 'guest';
CREATE INDEX session_hint ON session (handle_hint, row_no) WHERE state = 'live' AND kind <> 'guest';
CREATE INDEX session_ip ON session (ip_sort, row_no) WHERE state = 'live' AND kind <> 'guest';
CREATE INDEX session_client ON session (client_sort, row_no) WHERE state = 'live' AND kind <> 'guest';
-- Counted from the index alone: all that the condition names is in it.
CREATE INDEX session_idle_ends ON session (idle_ends_sort, row_no, state, kind) WHERE state = 'live' AND kind <> 'guest';
CREATE INDEX session_absolute ON session (absolute_sort, row_no, state, kind) WHERE state = 'live' AND kind <> 'guest';
CREATE INDEX session_never_idle ON session (system_id, state, kind) WHERE idle_timeout_s = 0 AND state = 'live' AND kind <> 'guest';
CREATE INDEX session_guest ON session (state, last_active_sort, row_no, kind) WHERE kind = 'guest';
-- What is gone is listed by its last activity; any other order is sorted when it is asked for.
CREATE INDEX session_past ON session (state, last_active_sort, row_no) WHERE state <> 'live' AND kind <> 'guest';
-- Of all states: the collector and the count after a reading need every row of a system, a scope every row of a person.
CREATE INDEX session_system_state ON session (system_id, state, last_active_sort, row_no, kind);
CREATE INDEX session_people ON session (account_sort, state, last_active_sort, row_no, system_id, kind, idle_ends_sort, absolute_sort, person_sort);

-- The same for the queue: taking the next items in order, and whether any is left, costs what is left, not what was done.
DROP INDEX ending_item_due;
CREATE INDEX ending_item_open ON ending_item (ending_id, system_id, session_key) WHERE state <> 'settled' AND left_out IS NULL;
