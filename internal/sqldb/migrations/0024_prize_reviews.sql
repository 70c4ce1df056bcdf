-- +goose Up

-- How risky WeChat holds winners to be, asked once for each claim, in the campaigns whose
-- rules say so. The address that somebody claimed from is kept, sealed, until WeChat has answered or
-- cannot answer any more. Times are Unix milliseconds.
CREATE TABLE prize_risks (
    campaign    {{.Text}} NOT NULL,
    prize       {{.Text}} NOT NULL,
    item        {{.Int}}  NOT NULL,
    participant {{.Text}} NOT NULL, -- opaque
    state       {{.Text}} NOT NULL CHECK (state IN ('asking', 'told', 'untold')),
    rank        {{.Int}}  NOT NULL DEFAULT 0, -- 0 to 4, once it is told
    sealed      {{.Bytes}},                   -- NULL unless it is being asked
    at          {{.Int}}  NOT NULL,           -- of the claim
    PRIMARY KEY (campaign, prize, item)
) {{.Heaped}};

CREATE INDEX prize_risks_by_participant ON prize_risks (participant);
CREATE INDEX prize_risks_by_state ON prize_risks (state, at);

-- Wins that somebody has looked at and that are given although their winner is flagged.
CREATE TABLE prize_cleared (
    campaign {{.Text}} NOT NULL,
    prize    {{.Text}} NOT NULL,
    item     {{.Int}}  NOT NULL,
    at       {{.Int}}  NOT NULL,
    login    {{.Text}} NOT NULL,
    reason   {{.Text}} NOT NULL,
    PRIMARY KEY (campaign, prize, item)
) {{.Heaped}};

-- Who may win nothing, by what an office has of its people: keyed hashes of the doors of a
-- roster's lines, and of phone numbers. Whom they lead to is added to prize_excluded.
CREATE TABLE prize_insiders (
    campaign {{.Text}} NOT NULL,
    kind     {{.Text}} NOT NULL CHECK (kind IN ('line', 'phone')),
    mark     {{.Text}} NOT NULL,
    at       {{.Int}}  NOT NULL,
    login    {{.Text}} NOT NULL,
    PRIMARY KEY (campaign, kind, mark)
) {{.Keyed}};
