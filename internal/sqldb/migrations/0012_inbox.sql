-- +goose Up

-- What participants write to the office. Texts and contacts are sealed as other personal
-- data, and can be erased. Times are Unix milliseconds.
CREATE TABLE feedback (
    id          {{.Text}}  NOT NULL PRIMARY KEY, -- ULID
    campaign    {{.Text}}  NOT NULL,
    unit        {{.Text}}  NOT NULL, -- where the participant belonged; empty before they enrolled
    grp         {{.Text}}  NOT NULL,
    participant {{.Text}}  NOT NULL, -- opaque
    kind        {{.Text}}  NOT NULL CHECK (kind IN ('complaint', 'suggestion', 'question')),
    day         {{.Text}}  NOT NULL, -- local date of the campaign
    n           {{.Int}}   NOT NULL, -- within that day, from 1
    mark        {{.Bytes}} NOT NULL, -- keyed hash by which a repeat is known; the id once erased
    text        {{.Bytes}},          -- NULL once erased
    contact     {{.Bytes}},          -- NULL where none was given, and once erased
    answer      {{.Bytes}},          -- NULL before there is one, and once erased
    state       {{.Text}}  NOT NULL CHECK (state IN ('received', 'in_review', 'answered', 'closed')),
    created     {{.Int}}   NOT NULL,
    decided     {{.Int}}   NOT NULL DEFAULT 0,
    operator    {{.Text}}  NOT NULL DEFAULT '', -- who led it to its state
    login       {{.Text}}  NOT NULL DEFAULT '',
    UNIQUE (campaign, participant, day, n),
    UNIQUE (campaign, participant, day, mark)
) {{.Heaped}};

CREATE INDEX feedback_by_campaign ON feedback (campaign, id);
CREATE INDEX feedback_by_participant ON feedback (participant);

-- Pledges that were signed on paper, by the batch. Nothing here is in any other figure.
CREATE TABLE offline_batches (
    id        {{.Text}} NOT NULL PRIMARY KEY, -- ULID
    campaign  {{.Text}} NOT NULL,
    unit      {{.Text}} NOT NULL,
    persons   {{.Int}}  NOT NULL CHECK (persons > 0),
    held      {{.Text}} NOT NULL, -- local date of the signing
    proof     {{.Text}} NOT NULL, -- where the paper lies
    hash      {{.Text}} NOT NULL, -- SHA-256 of a scan, hexadecimal; empty for none
    operator  {{.Text}} NOT NULL,
    login     {{.Text}} NOT NULL,
    created   {{.Int}}  NOT NULL,
    withdrawn {{.Int}}  NOT NULL DEFAULT 0,
    reason    {{.Text}} NOT NULL DEFAULT '', -- why it was withdrawn
    by_login  {{.Text}} NOT NULL DEFAULT '', -- who withdrew it
    gone      {{.Text}} NOT NULL DEFAULT '', -- the id once withdrawn, so that the same paper may be counted again
    UNIQUE (campaign, unit, held, proof, gone)
) {{.Heaped}};
