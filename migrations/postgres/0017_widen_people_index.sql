-- The page of somebody who sees certain people: their rows are counted, and sorted by the moments, from the index alone.
DROP INDEX session_people;
CREATE INDEX session_people ON session (account_sort, state, last_active_sort, session_key, system_id, kind, idle_ends_sort, absolute_sort, person_sort);
