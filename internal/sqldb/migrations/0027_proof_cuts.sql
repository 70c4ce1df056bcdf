-- +goose Up

-- How far a log had come with all that was accepted before a moment: so many leaves, made
-- of the facts up to those positions. Counts of that moment are those of the checkpoint
-- over so many leaves.
CREATE TABLE proof_cuts (
    campaign {{.Text}} NOT NULL,
    moment   {{.Int}}  NOT NULL, -- Unix milliseconds
    size     {{.Int}}  NOT NULL,
    facts    {{.Text}} NOT NULL, -- JSON: the last position of each shard, by its number
    PRIMARY KEY (campaign, moment)
) {{.Keyed}};
