-- What shapes the sessions of a system beside its two limits, each value with its source.

ALTER TABLE policy_snapshot ADD COLUMN told TEXT NOT NULL DEFAULT '{}'; -- JSON: settings and advice as in app/src/policies/wire.rs
