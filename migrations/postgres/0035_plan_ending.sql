-- An ending can begin later (`not_before`); people are told before, if whoever asked wrote them something.
ALTER TABLE ending ADD COLUMN notice TEXT; -- what people are told before it begins; NULL = nothing
