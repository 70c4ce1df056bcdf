-- +goose Up

-- What was done to the clocks of running attempts, and the banner: JSON, empty for none.
ALTER TABLE catalog_versions ADD COLUMN clocks {{.Text}} NOT NULL DEFAULT '';
ALTER TABLE catalog_versions ADD COLUMN banner {{.Text}} NOT NULL DEFAULT '';

-- Acts that give attempts back to those who were hit. Times are Unix milliseconds.
CREATE TABLE grants (
    id       {{.Text}} NOT NULL PRIMARY KEY, -- ULID
    campaign {{.Text}} NOT NULL,
    node     {{.Text}} NOT NULL, -- the part of the tree; empty for all of it
    since    {{.Int}}  NOT NULL, -- who was hit: from since until before until
    until    {{.Int}}  NOT NULL,
    state    {{.Text}} NOT NULL CHECK (state IN ('collecting', 'failed', 'ready', 'discarded', 'running', 'stopped', 'done')),
    reason   {{.Text}} NOT NULL,
    operator {{.Text}} NOT NULL,
    login    {{.Text}} NOT NULL,
    created  {{.Int}}  NOT NULL,
    ran      {{.Int}}  NOT NULL DEFAULT 0, -- when it was last begun
    items    {{.Int}}  NOT NULL DEFAULT 0,
    summary  {{.Text}} NOT NULL DEFAULT '', -- JSON
    next     {{.Int}}  NOT NULL DEFAULT 0, -- how far on the list the work has come
    turn     {{.Int}}  NOT NULL DEFAULT 0, -- how often work was begun
    job      {{.Text}} NOT NULL DEFAULT '',
    code     {{.Text}} NOT NULL DEFAULT '', -- why it failed or stopped
    error    {{.Text}} NOT NULL DEFAULT ''
) {{.Heaped}};

CREATE INDEX grants_by_campaign ON grants (campaign, id);

-- Their lists: each participant once, with the newest attempt of theirs that was hit.
CREATE TABLE grant_items (
    act_id      {{.Text}} NOT NULL,
    n           {{.Int}}  NOT NULL, -- from 1
    participant {{.Text}} NOT NULL,
    number      {{.Int}}  NOT NULL,
    unit        {{.Text}} NOT NULL,
    how         {{.Text}} NOT NULL CHECK (how IN ('open', 'expired', 'deadline')),
    at          {{.Int}}  NOT NULL, -- when it ended, or began where it was open
    outcome     {{.Text}} NOT NULL DEFAULT '', -- given, had, finished, gone; empty while it waits
    PRIMARY KEY (act_id, n)
) {{.Keyed}};
