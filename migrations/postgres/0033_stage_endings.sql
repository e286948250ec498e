-- Identity servers first: an application's session that goes while its identity server still knows the person comes
-- straight back. Items of a later stage wait for those of the stages before, but never for ever.
ALTER TABLE ending_item ADD COLUMN stage BIGINT NOT NULL DEFAULT 0; -- 0 = sessions of identity servers, or of a set without any | 1 = of the other systems
ALTER TABLE ending ADD COLUMN stage BIGINT NOT NULL DEFAULT 0; -- items of this and earlier stages may be asked
ALTER TABLE ending ADD COLUMN last_stage BIGINT NOT NULL DEFAULT 0; -- highest stage among its items
ALTER TABLE ending ADD COLUMN stage_until BIGINT; -- ms UTC: later stages wait no longer; NULL = nothing waits
ALTER TABLE ending ADD COLUMN went_on_at BIGINT; -- ms UTC when later stages were begun although an earlier one was not done; NULL = none was
