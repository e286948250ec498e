-- An ending can begin later; people are told before, if whoever asked wrote them something.
ALTER TABLE ending ADD COLUMN planned_for BIGINT; -- ms UTC when it was to begin; NULL = at once, or not confirmed yet and begin_in_min counts
ALTER TABLE ending ADD COLUMN begin_in_min BIGINT; -- minutes from its confirmation or approval to its beginning; NULL = planned_for says
ALTER TABLE ending ADD COLUMN notice TEXT; -- what people are told before it begins; NULL = nothing
