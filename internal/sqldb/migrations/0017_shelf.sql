-- +goose Up

-- Campaigns that were moved out of Redis. Their facts lie in the ledger; this is what is
-- read of them besides, and can be worked out from the ledger again at any time.
CREATE TABLE shelf (
    campaign {{.Text}}  NOT NULL PRIMARY KEY,
    state    {{.Text}}  NOT NULL CHECK (state IN ('moving', 'kept')),
    version  {{.Int}}   NOT NULL, -- counts what was changed of it: an erasure, a filling
    at       {{.Int}}   NOT NULL, -- Unix milliseconds: since when it is kept
    figures  {{.Bytes}}           -- JSON; NULL while it moves
) {{.Heaped}};

CREATE TABLE shelf_places (
    campaign    {{.Text}} NOT NULL,
    scope       {{.Text}} NOT NULL, -- '' is the main board
    participant {{.Text}} NOT NULL, -- opaque
    base        {{.Int}},           -- packed place on the board that stands still
    now         {{.Int}},           -- packed place by everything
    hidden      {{.Int}}  NOT NULL,
    PRIMARY KEY (campaign, scope, participant)
) {{.Keyed}};

CREATE INDEX shelf_places_now ON shelf_places (campaign, scope, now);
