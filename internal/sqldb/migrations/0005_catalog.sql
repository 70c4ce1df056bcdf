-- +goose Up

-- What operators edit. Every version of a campaign stays: who made it, when, why.
-- Times are Unix milliseconds.

-- Counts the changes of anything in the catalog. Servers look at it, and only
-- where it has moved at more; whoever edits holds the row. One row.
CREATE TABLE catalog_head (
    one    {{.Int}} NOT NULL PRIMARY KEY CHECK (one = 1),
    change {{.Int}} NOT NULL
) {{.Keyed}};

INSERT INTO catalog_head (one, change) VALUES (1, 0);

-- The campaigns, each at its current version.
CREATE TABLE catalog_campaigns (
    id      {{.Text}} NOT NULL PRIMARY KEY,
    version {{.Int}}  NOT NULL,
    prefix  {{.Text}} NOT NULL, -- of the pledge's serials; empty without a pledge
    change  {{.Int}}  NOT NULL  -- of catalog_head, when it last changed
) {{.Heaped}};

CREATE TABLE catalog_versions (
    campaign  {{.Text}} NOT NULL,
    version   {{.Int}}  NOT NULL, -- from 1, without a gap
    at        {{.Int}}  NOT NULL,
    actor     {{.Text}} NOT NULL,
    login     {{.Text}} NOT NULL,
    kind      {{.Text}} NOT NULL, -- what was done: created, edited, published, paused, tree.imported …
    reason    {{.Text}} NOT NULL,
    stage     {{.Text}} NOT NULL CHECK (stage IN ('draft', 'published', 'archived')),
    paused    {{.Int}}  NOT NULL,
    closed_at {{.Int}}  NOT NULL, -- where it was closed before closes_at; else 0
    frame     {{.Text}} NOT NULL, -- digest of the text in catalog_texts
    bank      {{.Text}} NOT NULL, -- digest of the bank in catalog_bank_files; empty without a quiz
    tree      {{.Int}}  NOT NULL, -- the version in which the tree last changed; 0 for an empty tree
    PRIMARY KEY (campaign, version)
) {{.Heaped}};

-- Campaign files without their trees, by the digest of the text.
CREATE TABLE catalog_texts (
    digest {{.Text}} NOT NULL PRIMARY KEY,
    body   {{.Text}} NOT NULL
) {{.Heaped}};

-- The files of banks that came with a campaign, by the digest of the bank.
CREATE TABLE catalog_bank_files (
    bank {{.Text}}  NOT NULL,
    path {{.Text}}  NOT NULL,
    body {{.Bytes}} NOT NULL,
    PRIMARY KEY (bank, path)
) {{.Heaped}};

-- The organisation trees. A row holds in the versions from since until before
-- until; 0 is the end of time. So every tree that ever was can be read, and a
-- change of one unit writes one row.
CREATE TABLE catalog_nodes (
    campaign {{.Text}} NOT NULL,
    id       {{.Text}} NOT NULL,
    since    {{.Int}}  NOT NULL,
    until    {{.Int}}  NOT NULL,
    parent   {{.Text}} NOT NULL, -- empty at the top
    region   {{.Int}}  NOT NULL, -- 1 for a region, 0 for a unit
    name     {{.Text}} NOT NULL,
    names    {{.Text}} NOT NULL, -- JSON: language to name, of the other languages; or empty
    code     {{.Text}} NOT NULL,
    roster   {{.Int}}  NOT NULL,
    retired  {{.Int}}  NOT NULL, -- 1: nobody enrols there any more
    place    {{.Int}}  NOT NULL, -- the order to show siblings in
    PRIMARY KEY (campaign, id, since)
) {{.Heaped}};

CREATE INDEX catalog_nodes_until ON catalog_nodes (campaign, until, place);

-- Which unit went into which.
CREATE TABLE catalog_merges (
    campaign {{.Text}} NOT NULL,
    version  {{.Int}}  NOT NULL,
    unit     {{.Text}} NOT NULL,
    into_id  {{.Text}} NOT NULL,
    PRIMARY KEY (campaign, version, unit)
) {{.Heaped}};
