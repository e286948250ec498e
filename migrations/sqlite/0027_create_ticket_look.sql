-- The newest look at a site's login view: a ticket was asked for and redeemed there. Neither ticket nor user stands here.
CREATE TABLE ticket_look (
    system_id     TEXT   NOT NULL, -- the Tableau
    place         TEXT   NOT NULL, -- site by its contentUrl; '' = Default site
    view_path     TEXT   NOT NULL, -- the view as the settings named it then: Workbook/View
    looked_at     BIGINT NOT NULL, -- when, ms UTC
    seen          TEXT   NOT NULL, -- shown | missing | hidden | not_let_in | no_ticket | unclear
    reuse_blocked BIGINT,          -- 1 = a used ticket was refused after its session was signed out; NULL = not tried
    PRIMARY KEY (system_id, place)
);
