-- +goose Up

-- Who belongs to the units of a campaign. Persons are found by keyed hashes; what
-- they are called is sealed.
CREATE TABLE roster (
    campaign {{.Text}}  NOT NULL,
    unit     {{.Text}}  NOT NULL,
    key      {{.Bytes}} NOT NULL, -- of the number within the unit
    name     {{.Bytes}} NOT NULL, -- hash of the name, bound to the key
    grp      {{.Text}}  NOT NULL, -- '' where the person chooses
    sealed   {{.Bytes}} NOT NULL, -- number and name
    added    {{.Int}}   NOT NULL, -- Unix milliseconds
    PRIMARY KEY (campaign, unit, key)
) {{.Keyed}};
