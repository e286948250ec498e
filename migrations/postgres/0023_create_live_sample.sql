-- Live sessions over time, for the charts of the Systems page: what complete readings counted, thinned as they come.

CREATE TABLE live_sample (
    span_s     BIGINT NOT NULL, -- length of the slot in seconds: 600 kept for a day | 3600 kept for a month
    slot_at    BIGINT NOT NULL, -- ms UTC when the slot begins
    system_id  TEXT   NOT NULL, -- which system
    live_count BIGINT NOT NULL, -- most live sessions a complete reading of the slot found, guests not counted
    PRIMARY KEY (span_s, slot_at, system_id)
);

-- Settled items by day and outcome, without reading them.
CREATE INDEX ending_item_settled ON ending_item (settled_at, system_id, outcome) WHERE settled_at IS NOT NULL;
