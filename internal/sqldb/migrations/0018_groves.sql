-- +goose Up

-- Large trees are written beside the one that is served, in as many transactions as it
-- takes, and become the campaign's by one row of catalog_versions. Each such tree has a
-- number, its grove; what was there before is in grove 0.
ALTER TABLE catalog_versions ADD COLUMN grove {{.Int}} NOT NULL DEFAULT 0; -- where the rows of the tree lie

-- The groves that no version is in yet: those being written, and what is left of those
-- whose writers are gone.
CREATE TABLE catalog_groves (
    campaign {{.Text}} NOT NULL,
    grove    {{.Int}}  NOT NULL, -- from 1, growing with the versions
    job      {{.Text}} NOT NULL, -- who writes it; empty for whoever does so at once
    touched  {{.Int}}  NOT NULL, -- when last, in Unix milliseconds; -1: it is being taken away
    PRIMARY KEY (campaign, grove)
) {{.Keyed}};

ALTER TABLE catalog_nodes RENAME TO catalog_nodes_before;
DROP INDEX catalog_nodes_until;

-- The organisation trees. Within its grove a row holds in the versions from since
-- until before until: since 0 is the grove's first version, until 0 the end of time.
-- So every tree that ever was can be read, and a change of one unit writes one row.
CREATE TABLE catalog_nodes (
    campaign {{.Text}} NOT NULL,
    grove    {{.Int}}  NOT NULL,
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
    PRIMARY KEY (campaign, id, grove, since)
) {{.Heaped}};

INSERT INTO catalog_nodes (campaign, grove, id, since, until, parent, region, name, names, code, roster, retired, place)
SELECT campaign, 0, id, since, until, parent, region, name, names, code, roster, retired, place FROM catalog_nodes_before;

DROP TABLE catalog_nodes_before;

CREATE INDEX catalog_nodes_until ON catalog_nodes (campaign, grove, until, place);
