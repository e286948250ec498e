-- A portal session whose screen others see, and notices to people about their own account.

ALTER TABLE portal_session ADD COLUMN screen_share BIGINT NOT NULL DEFAULT 0; -- 1 = network data is hidden in this session until it says otherwise
