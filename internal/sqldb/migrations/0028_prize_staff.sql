-- +goose Up

-- By what the people behind operators' accounts are known among those who take part: keyed
-- hashes of phone numbers, which hold everywhere, and of the doors of lines on a campaign's
-- rosters. Nothing is ever taken away from here. Times are Unix milliseconds.
CREATE TABLE prize_staff (
    operator {{.Text}} NOT NULL REFERENCES operators (id),
    kind     {{.Text}} NOT NULL CHECK (kind IN ('line', 'phone')),
    campaign {{.Text}} NOT NULL, -- whose roster; '' for a phone
    mark     {{.Text}} NOT NULL,
    at       {{.Int}}  NOT NULL,
    login    {{.Text}} NOT NULL, -- who said so
    PRIMARY KEY (operator, kind, campaign, mark)
) {{.Keyed}};

CREATE INDEX prize_staff_by_campaign ON prize_staff (campaign, kind);
