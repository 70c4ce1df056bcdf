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
