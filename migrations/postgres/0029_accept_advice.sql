-- Advice on the limits of a system that somebody accepted to leave as it is, with a reason and an end (ASVS 7.1.1). Counts
-- only while it has not ended and the advice still has the ground it had then.
CREATE TABLE advice_accepted (
    system_id        TEXT   NOT NULL, -- system the advice is about
    advice           TEXT   NOT NULL, -- which: its rule and, behind a colon, the place
    ground           TEXT   NOT NULL, -- the value it was about; with another value the advice is open again
    reason           TEXT   NOT NULL, -- why it may stay so
    accepted_by      TEXT   NOT NULL, -- operator_id, or the id of a token
    accepted_by_name TEXT   NOT NULL, -- name then
    accepted_at      BIGINT NOT NULL, -- ms UTC
    until            BIGINT NOT NULL, -- ms UTC; from then on the advice is open again
    PRIMARY KEY (system_id, advice)
);
