-- +goose Up

-- Corrections of many acts at once. The list of a batch is written once and frozen
-- with its digest; a second person approves that digest. Times are Unix milliseconds.
CREATE TABLE corrections (
    id         {{.Text}} NOT NULL PRIMARY KEY,
    campaign   {{.Text}} NOT NULL,
    node       {{.Text}} NOT NULL, -- the part of the tree it reaches; empty for all of it
    state      {{.Text}} NOT NULL,
    conditions {{.Text}} NOT NULL, -- JSON
    reason     {{.Text}} NOT NULL, -- told to the participants
    creator    {{.Text}} NOT NULL,
    login      {{.Text}} NOT NULL,
    created    {{.Int}}  NOT NULL,
    ran        {{.Int}}  NOT NULL DEFAULT 0,
    returned   {{.Int}}  NOT NULL DEFAULT 0,
    approval   {{.Text}} NOT NULL DEFAULT '', -- with which the work began, and its undo
    undoing    {{.Text}} NOT NULL DEFAULT '',
    items      {{.Int}}  NOT NULL DEFAULT 0,
    hash       {{.Text}} NOT NULL DEFAULT '', -- SHA-256 of the list, hexadecimal
    summary    {{.Text}} NOT NULL DEFAULT '', -- JSON
    next       {{.Int}}  NOT NULL DEFAULT 0, -- how far the work on the list has come
    back       {{.Int}}  NOT NULL DEFAULT 0, -- how far its undo has
    job        {{.Text}} NOT NULL DEFAULT '',
    turn       {{.Int}}  NOT NULL DEFAULT 0, -- counts every beginning of work
    counts     {{.Text}} NOT NULL DEFAULT '', -- JSON
    code       {{.Text}} NOT NULL DEFAULT '', -- of the error that ended the work
    error      {{.Text}} NOT NULL DEFAULT ''  -- ready to be shown
) {{.Heaped}};

CREATE INDEX corrections_by_campaign ON corrections (campaign, created, id);

CREATE TABLE correction_items (
    batch       {{.Text}} NOT NULL,
    n           {{.Int}}  NOT NULL, -- from 1; ascending, with gaps
    participant {{.Text}} NOT NULL, -- opaque
    number      {{.Int}}  NOT NULL, -- of the attempt; 0 is the signature
    unit        {{.Text}} NOT NULL,
    at          {{.Int}}  NOT NULL,
    score       {{.Int}}  NOT NULL,
    used        {{.Int}}  NOT NULL, -- ms
    mark        {{.Text}} NOT NULL, -- compares answers while the list is made
    outcome     {{.Text}} NOT NULL DEFAULT '',
    PRIMARY KEY (batch, n)
) {{.Keyed}};

-- What participants say against it. Texts are sealed as other personal data, and can be
-- erased.
CREATE TABLE appeals (
    id          {{.Text}}  NOT NULL PRIMARY KEY, -- ULID
    campaign    {{.Text}}  NOT NULL,
    unit        {{.Text}}  NOT NULL, -- where the participant belonged
    participant {{.Text}}  NOT NULL, -- opaque
    number      {{.Int}}   NOT NULL, -- of the attempt; 0 is the signature
    batch       {{.Text}}  NOT NULL, -- that has taken the act out
    text        {{.Bytes}},          -- NULL once erased
    answer      {{.Bytes}},          -- NULL before there is one, and once erased
    state       {{.Text}}  NOT NULL CHECK (state IN ('received', 'in_review', 'upheld', 'refused')),
    created     {{.Int}}   NOT NULL,
    decided     {{.Int}}   NOT NULL DEFAULT 0,
    operator    {{.Text}}  NOT NULL DEFAULT '', -- who answered
    login       {{.Text}}  NOT NULL DEFAULT '',
    UNIQUE (campaign, participant, number, batch)
) {{.Heaped}};

CREATE INDEX appeals_by_campaign ON appeals (campaign, id);

-- What rules have noticed. Nobody is judged by them: an operator confirms or dismisses.
CREATE TABLE flags (
    id           {{.Text}} NOT NULL PRIMARY KEY, -- ULID
    campaign     {{.Text}} NOT NULL,
    rule         {{.Text}} NOT NULL,
    mark         {{.Text}} NOT NULL, -- what those have in common
    unit         {{.Text}} NOT NULL, -- empty where several are concerned
    acts         {{.Int}}  NOT NULL,
    participants {{.Int}}  NOT NULL,
    evidence     {{.Text}} NOT NULL, -- JSON
    state        {{.Text}} NOT NULL CHECK (state IN ('new', 'confirmed', 'dismissed')),
    created      {{.Int}}  NOT NULL,
    seen         {{.Int}}  NOT NULL, -- when the newest act was added
    operator     {{.Text}} NOT NULL DEFAULT '',
    login        {{.Text}} NOT NULL DEFAULT '',
    decided      {{.Int}}  NOT NULL DEFAULT 0,
    reason       {{.Text}} NOT NULL DEFAULT '',
    UNIQUE (campaign, rule, mark)
) {{.Heaped}};

CREATE INDEX flags_by_campaign ON flags (campaign, id);

-- Acts by what they may have in common with others.
CREATE TABLE flag_marks (
    campaign    {{.Text}} NOT NULL,
    rule        {{.Text}} NOT NULL,
    mark        {{.Text}} NOT NULL,
    at          {{.Int}}  NOT NULL,
    participant {{.Text}} NOT NULL,
    number      {{.Int}}  NOT NULL, -- of the attempt; 0 is the signature, -1 the participant as a whole
    unit        {{.Text}} NOT NULL,
    PRIMARY KEY (campaign, rule, mark, at, participant, number)
) {{.Keyed}};

-- How far the rules have read.
CREATE TABLE flag_cursors (
    campaign {{.Text}} NOT NULL,
    shard    {{.Int}}  NOT NULL,
    epoch    {{.Int}}  NOT NULL,
    seq      {{.Int}}  NOT NULL,
    PRIMARY KEY (campaign, shard)
) {{.Keyed}};

-- The keys by which a campaign tells origins apart. Without its key nobody can say what
-- the facts hold of addresses and devices.
CREATE TABLE origin_keys (
    campaign  {{.Text}}  NOT NULL PRIMARY KEY,
    bytes     {{.Bytes}},         -- NULL once destroyed
    created   {{.Int}}   NOT NULL,
    destroyed {{.Int}}   NOT NULL DEFAULT 0
) {{.Keyed}};
