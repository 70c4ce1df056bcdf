-- +goose Up

-- What operators did, in order, each entry chained to the one before by its hash.
CREATE TABLE audit (
    seq      {{.Int}}   NOT NULL PRIMARY KEY,
    at       {{.Int}}   NOT NULL, -- Unix milliseconds
    actor    {{.Text}}  NOT NULL,
    login    {{.Text}}  NOT NULL,
    addr     {{.Text}}  NOT NULL,
    action   {{.Text}}  NOT NULL,
    campaign {{.Text}}  NOT NULL,
    object   {{.Text}}  NOT NULL,
    before   {{.Text}}  NOT NULL, -- JSON, or empty
    after    {{.Text}}  NOT NULL,
    reason   {{.Text}}  NOT NULL,
    hash     {{.Bytes}} NOT NULL
) {{.Heaped}};

CREATE INDEX audit_campaign ON audit (campaign, seq);
CREATE INDEX audit_actor ON audit (actor, seq);

-- The end of the chain: whoever appends holds this row.
CREATE TABLE audit_end (
    id   {{.Int}}   NOT NULL PRIMARY KEY,
    seq  {{.Int}}   NOT NULL,
    hash {{.Bytes}} NOT NULL
) {{.Keyed}};
