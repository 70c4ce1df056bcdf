-- +goose Up

-- The logs by which outsiders check counts: of each campaign the leaves, the tiles of the
-- tree over them, and the signed checkpoints. None of these rows is ever changed but for
-- the last tile of each level, which grows, and the head.
CREATE TABLE proof_logs (
    campaign {{.Text}}  NOT NULL PRIMARY KEY,
    size     {{.Int}}   NOT NULL,
    root     {{.Bytes}} NOT NULL,
    totals   {{.Text}}  NOT NULL -- JSON: leaves by type
) {{.Heaped}};

-- How far into the facts of each shard a log has come. It moves with the leaves.
CREATE TABLE proof_cursors (
    campaign {{.Text}} NOT NULL,
    shard    {{.Int}}  NOT NULL,
    epoch    {{.Int}}  NOT NULL,
    seq      {{.Int}}  NOT NULL,
    PRIMARY KEY (campaign, shard)
) {{.Keyed}};

-- What is hashed. Nothing here leads to a fact or to a person.
CREATE TABLE proof_leaves (
    campaign {{.Text}}  NOT NULL,
    idx      {{.Int}}   NOT NULL,
    type     {{.Text}}  NOT NULL,
    act      {{.Int}}   NOT NULL, -- index of the act that is corrected, or -1
    fields   {{.Bytes}} NOT NULL, -- hash over the commitments
    PRIMARY KEY (campaign, idx)
) {{.Keyed}};

CREATE TABLE proof_tiles (
    campaign {{.Text}}  NOT NULL,
    level    {{.Int}}   NOT NULL,
    number   {{.Int}}   NOT NULL,
    data     {{.Bytes}} NOT NULL, -- up to 256 hashes
    PRIMARY KEY (campaign, level, number)
) {{.Heaped}};

-- Whose act a leaf is, and what its salts come from: all that leads from a person to their
-- leaves. It goes when they are erased, and with it every way there.
CREATE TABLE proof_links (
    campaign    {{.Text}}  NOT NULL,
    participant {{.Text}}  NOT NULL, -- opaque
    act         {{.Text}}  NOT NULL, -- 's', or 'a' and the number of the attempt
    idx         {{.Int}}   NOT NULL,
    seed        {{.Bytes}} NOT NULL,
    PRIMARY KEY (campaign, participant, act, idx)
) {{.Keyed}};

CREATE TABLE proof_checkpoints (
    campaign {{.Text}} NOT NULL,
    size     {{.Int}}  NOT NULL,
    signed   {{.Text}} NOT NULL, -- the note as it was published
    PRIMARY KEY (campaign, size)
) {{.Heaped}};

-- How far each keeper outside has been given the checkpoints of a log.
CREATE TABLE proof_kept (
    campaign {{.Text}} NOT NULL,
    keeper   {{.Text}} NOT NULL,
    size     {{.Int}}  NOT NULL,
    PRIMARY KEY (campaign, keeper)
) {{.Keyed}};

-- Erasures, which a log looks for ahead of where it is.
CREATE INDEX facts_erased ON facts (shard, epoch, seq) WHERE kind = 'erased.1';
