-- +goose Up

-- Figures that were announced: as they were, with what they mean. Rows are never
-- changed; a correction is a row of its own.
CREATE TABLE announcements (
    id       {{.Text}} NOT NULL PRIMARY KEY,
    campaign {{.Text}} NOT NULL,
    as_of    {{.Int}}  NOT NULL, -- Unix milliseconds
    sealed   {{.Int}}  NOT NULL, -- when
    actor    {{.Text}} NOT NULL,
    figures  {{.Text}} NOT NULL, -- JSON, as it was hashed
    sha256   {{.Text}} NOT NULL
) {{.Heaped}};

CREATE INDEX announcements_campaign ON announcements (campaign, as_of);
