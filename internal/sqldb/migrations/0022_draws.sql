-- +goose Up

-- Scheduled draws, from the freezing of their entrants on. Nothing of a row changes once
-- it is there, but for the result that is added once, and the redraws that are added to
-- its file. Times are Unix milliseconds.
CREATE TABLE prize_draws (
    campaign       {{.Text}}  NOT NULL,
    draw           {{.Text}}  NOT NULL,
    entrants       {{.Bytes}} NOT NULL, -- JSON: tickets in order, and whose they are
    entrants_count {{.Int}}   NOT NULL,
    entrants_root  {{.Text}}  NOT NULL,
    excluded_count {{.Int}}   NOT NULL,
    excluded_root  {{.Text}}  NOT NULL,
    frozen         {{.Int}}   NOT NULL,
    file           {{.Bytes}},          -- as it is published; NULL before the draw
    drawn          {{.Int}}   NOT NULL DEFAULT 0,
    approval       {{.Text}}  NOT NULL DEFAULT '', -- by which it was drawn
    PRIMARY KEY (campaign, draw)
) {{.Heaped}};

-- What was drawn again, each once for the approval that asked for it.
CREATE TABLE prize_redraws (
    approval {{.Text}} NOT NULL PRIMARY KEY,
    campaign {{.Text}} NOT NULL,
    draw     {{.Text}} NOT NULL,
    number   {{.Int}}  NOT NULL, -- from 1, within the draw
    UNIQUE (campaign, draw, number)
) {{.Heaped}};

-- Who may win nothing: the people of the office and of units who run the campaign.
CREATE TABLE prize_excluded (
    campaign    {{.Text}} NOT NULL,
    participant {{.Text}} NOT NULL, -- opaque
    at          {{.Int}}  NOT NULL,
    login       {{.Text}} NOT NULL,
    PRIMARY KEY (campaign, participant)
) {{.Keyed}};
