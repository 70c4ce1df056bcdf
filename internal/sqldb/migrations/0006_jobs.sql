-- +goose Up

-- Work that takes longer than a request: imports, exports, corrections. One server
-- at a time has a job, as long as it renews its lease. Times are Unix milliseconds.
CREATE TABLE jobs (
    id         {{.Text}} NOT NULL PRIMARY KEY, -- ULID: in the order of submission
    kind       {{.Text}} NOT NULL,
    action     {{.Text}} NOT NULL, -- the right that lets others than the submitter see it
    campaign   {{.Text}} NOT NULL, -- empty where none is concerned
    node       {{.Text}} NOT NULL, -- the part of the campaign's tree; empty for all of it
    actor      {{.Text}} NOT NULL,
    login      {{.Text}} NOT NULL,
    addr       {{.Text}} NOT NULL,
    params     {{.Text}} NOT NULL, -- JSON
    state      {{.Text}} NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    stop       {{.Int}}  NOT NULL DEFAULT 0, -- 1 once somebody asked to cancel it
    owner      {{.Text}} NOT NULL DEFAULT '', -- the server that works on it
    lease      {{.Int}}  NOT NULL DEFAULT 0, -- until when
    attempt    {{.Int}}  NOT NULL DEFAULT 0, -- how often it was begun
    done       {{.Int}}  NOT NULL DEFAULT 0,
    total      {{.Int}}  NOT NULL DEFAULT 0, -- 0 while it is not known
    note       {{.Text}} NOT NULL DEFAULT '',
    checkpoint {{.Text}} NOT NULL DEFAULT '', -- JSON: where to go on after a restart
    result     {{.Text}} NOT NULL DEFAULT '', -- JSON
    code       {{.Text}} NOT NULL DEFAULT '', -- of the error
    error      {{.Text}} NOT NULL DEFAULT '', -- ready to be shown
    created    {{.Int}}  NOT NULL,
    started    {{.Int}}  NOT NULL DEFAULT 0,
    finished   {{.Int}}  NOT NULL DEFAULT 0
) {{.Heaped}};

CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE INDEX jobs_by_campaign ON jobs (campaign, id);

-- What a job reads and what it makes, in pieces, so that every server has it.
CREATE TABLE job_files (
    job   {{.Text}}  NOT NULL REFERENCES jobs (id),
    name  {{.Text}}  NOT NULL,
    piece {{.Int}}   NOT NULL, -- from 0
    body  {{.Bytes}} NOT NULL,
    PRIMARY KEY (job, name, piece)
) {{.Heaped}};
