-- +goose Up

-- The ledger: what happened, in the order it happened, and how far it was
-- written down. Times are Unix milliseconds, truth is 0 or 1. Rows of facts are
-- never changed and never deleted. Personal data lies in "personal" alone, from
-- where it can be erased.

-- The deployment that this database belongs to. One row.
CREATE TABLE deployment (
    one {{.Int}}  NOT NULL PRIMARY KEY CHECK (one = 1),
    id  {{.Text}} NOT NULL
) {{.Keyed}};

-- How each campaign was opened in Redis. Only epoch and condition ever change.
CREATE TABLE campaigns (
    campaign  {{.Text}} NOT NULL PRIMARY KEY,
    shards    {{.Int}}  NOT NULL,
    base      {{.Int}}  NOT NULL, -- Unix seconds; with bits, the layout of the boards
    bits      {{.Int}}  NOT NULL,
    epoch     {{.Int}}  NOT NULL, -- counts the rebuilds, from 1
    condition {{.Text}} NOT NULL CHECK (condition IN ('open', 'rebuilding'))
) {{.Keyed}};

-- The shards, under a small number that the other tables carry.
CREATE TABLE shards (
    id       {{.Int}}  NOT NULL PRIMARY KEY,
    campaign {{.Text}} NOT NULL,
    number   {{.Int}}  NOT NULL,
    UNIQUE (campaign, number)
) {{.Keyed}};

-- How far each stream of a shard is in this database: the position of the last
-- entry that is. It moves in the transaction that writes the rows.
CREATE TABLE cursors (
    shard  {{.Int}}  NOT NULL REFERENCES shards (id),
    stream {{.Text}} NOT NULL CHECK (stream IN ('facts', 'personal')),
    epoch  {{.Int}}  NOT NULL,
    seq    {{.Int}}  NOT NULL,
    PRIMARY KEY (shard, stream)
) {{.Keyed}};

-- The facts, as they lay on the stream. The position counts without a gap within
-- an epoch, but for what is among the dead letters. No foreign key: it would be
-- looked up for each row.
CREATE TABLE facts (
    shard       {{.Int}}   NOT NULL,
    epoch       {{.Int}}   NOT NULL,
    seq         {{.Int}}   NOT NULL,
    kind        {{.Text}}  NOT NULL,
    participant {{.Text}}  NOT NULL, -- opaque
    unit        {{.Text}}  NOT NULL, -- where the participant belonged then; empty in door.1
    grp         {{.Text}}  NOT NULL,
    at          {{.Int}}   NOT NULL,
    first       {{.Int}}   NOT NULL, -- 1 for a participant's first accepted act
    best        {{.Text}}  NOT NULL, -- submitted.1: "score|passed" of the best attempt before, or empty
    body        {{.Bytes}} NOT NULL, -- JSON of the kind
    PRIMARY KEY (shard, epoch, seq)
) {{.Heaped}};

CREATE INDEX facts_by_participant ON facts (shard, participant, epoch, seq);

-- The personal records, sealed. Rows stay when their content is erased.
CREATE TABLE personal (
    shard       {{.Int}}   NOT NULL,
    epoch       {{.Int}}   NOT NULL,
    seq         {{.Int}}   NOT NULL,
    kind        {{.Text}}  NOT NULL,
    participant {{.Text}}  NOT NULL,
    at          {{.Int}}   NOT NULL,
    hash        {{.Text}}  NOT NULL, -- door.1: the keyed hash that the record is bound to, else empty
    sealed      {{.Bytes}},          -- NULL in erasure.1, and once erased
    erased_at   {{.Int}},            -- the time of the erasure.1 that took it
    PRIMARY KEY (shard, epoch, seq)
) {{.Heaped}};

CREATE INDEX personal_by_participant ON personal (shard, participant, epoch, seq);

-- Versions of question banks that facts name, packed, so that an attempt can be
-- marked again when Redis is gone.
CREATE TABLE banks (
    digest {{.Text}}  NOT NULL PRIMARY KEY,
    packed {{.Bytes}} NOT NULL
) {{.Heaped}};

-- Entries of a known kind that could not be stored as what they claim to be. The
-- cursor has passed them. Somebody has to look at each.
CREATE TABLE dead_letters (
    shard       {{.Int}}   NOT NULL REFERENCES shards (id),
    stream      {{.Text}}  NOT NULL,
    epoch       {{.Int}}   NOT NULL,
    seq         {{.Int}}   NOT NULL,
    participant {{.Text}}  NOT NULL, -- empty where the entry names none that can be read
    reason      {{.Text}}  NOT NULL,
    entry       {{.Bytes}},          -- JSON: field to its bytes in base 64; NULL once erased
    at          {{.Int}}   NOT NULL, -- when it was put here
    PRIMARY KEY (shard, stream, epoch, seq)
) {{.Heaped}};

-- While a hold is in force nobody trims a stream: a backup is being taken.
CREATE TABLE holds (
    name  {{.Text}} NOT NULL PRIMARY KEY,
    until {{.Int}}  NOT NULL
) {{.Keyed}};
