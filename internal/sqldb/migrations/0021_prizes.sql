-- +goose Up

-- The codes of vouchers, sealed: which of them somebody won says the fact of the win, by
-- its item. They are numbered without a gap, and none is there twice. Times are Unix
-- milliseconds.
CREATE TABLE prize_codes (
    campaign {{.Text}}  NOT NULL,
    prize    {{.Text}}  NOT NULL,
    item     {{.Int}}   NOT NULL, -- from 1
    sealed   {{.Bytes}} NOT NULL,
    mark     {{.Text}}  NOT NULL, -- keyed hash of the code
    added    {{.Int}}   NOT NULL,
    PRIMARY KEY (campaign, prize, item),
    UNIQUE (campaign, prize, mark)
) {{.Heaped}};

-- What winners told to get their prize, sealed, and what they agreed to with it. What a
-- prize is in lies with the facts.
CREATE TABLE prize_claims (
    campaign    {{.Text}} NOT NULL,
    prize       {{.Text}} NOT NULL,
    item        {{.Int}}  NOT NULL,
    participant {{.Text}} NOT NULL, -- opaque
    sealed      {{.Bytes}},         -- NULL once erased
    consent     {{.Text}} NOT NULL, -- version of the rules they agreed to
    at          {{.Int}}  NOT NULL,
    ref         {{.Text}} NOT NULL DEFAULT '', -- how the office sent it
    stopped     {{.Int}}  NOT NULL DEFAULT 0,  -- 1: kept for the archive and used for nothing else
    PRIMARY KEY (campaign, prize, item)
) {{.Heaped}};

CREATE INDEX prize_claims_by_participant ON prize_claims (participant);

-- Why a prize is not given. The decision is that of two persons, in the approvals.
CREATE TABLE prize_refusals (
    campaign {{.Text}} NOT NULL,
    prize    {{.Text}} NOT NULL,
    item     {{.Int}}  NOT NULL,
    told     {{.Text}} NOT NULL, -- what its winner is told
    at       {{.Int}}  NOT NULL,
    PRIMARY KEY (campaign, prize, item)
) {{.Heaped}};
