-- +goose Up

-- Who asked to belong to another unit, and what was decided. What people wrote is sealed
-- as other personal data, and can be erased. Times are Unix milliseconds.
CREATE TABLE transfers (
    id          {{.Text}}  NOT NULL PRIMARY KEY, -- ULID; the fact of the transfer names it
    campaign    {{.Text}}  NOT NULL,
    participant {{.Text}}  NOT NULL, -- opaque
    grp         {{.Text}}  NOT NULL,
    from_unit   {{.Text}}  NOT NULL, -- where they belonged when they asked
    to_unit     {{.Text}}  NOT NULL,
    day         {{.Text}}  NOT NULL, -- local date of the campaign
    why         {{.Bytes}},          -- NULL where nothing was given, and once erased
    answer      {{.Bytes}},          -- NULL before there is one, and once erased
    state       {{.Text}}  NOT NULL CHECK (state IN ('pending', 'granting', 'granted', 'refused', 'withdrawn')),
    created     {{.Int}}   NOT NULL,
    decided     {{.Int}}   NOT NULL DEFAULT 0,
    operator    {{.Text}}  NOT NULL DEFAULT '', -- who decided
    login       {{.Text}}  NOT NULL DEFAULT '',
    ended       {{.Text}}  NOT NULL DEFAULT '', -- the id once decided: one waits for each person
    UNIQUE (campaign, participant, ended)
) {{.Heaped}};

CREATE INDEX transfers_by_campaign ON transfers (campaign, id);
CREATE INDEX transfers_by_participant ON transfers (participant);
