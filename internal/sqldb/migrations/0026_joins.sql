-- +goose Up

-- Participants who sign in as another one since, because both are one person. They are
-- looked at until their enrolments count nowhere. Times are Unix milliseconds.
CREATE TABLE joins (
    participant {{.Text}} NOT NULL PRIMARY KEY, -- opaque
    goes_on_as  {{.Text}} NOT NULL,             -- opaque
    noted       {{.Int}}  NOT NULL,
    next_look   {{.Int}}  NOT NULL
) {{.Keyed}};

CREATE INDEX joins_by_look ON joins (next_look);
