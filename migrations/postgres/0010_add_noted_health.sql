-- The health of a system as the audit last told of it: a turn is told once, not once by each process and each start.
ALTER TABLE system ADD COLUMN noted_health TEXT; -- live | stale | failed | off; NULL = nothing was told yet
