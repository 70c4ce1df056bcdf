-- +goose Up

-- Whom an office took off the public boards, why, and who put them back. Times are Unix
-- milliseconds.
CREATE TABLE hidings (
    id           {{.Text}} NOT NULL PRIMARY KEY, -- ULID
    campaign     {{.Text}} NOT NULL,
    participant  {{.Text}} NOT NULL, -- opaque
    reason       {{.Text}} NOT NULL, -- '' once forgotten, as shown_reason
    operator     {{.Text}} NOT NULL, -- who hid them
    login        {{.Text}} NOT NULL,
    at           {{.Int}}  NOT NULL,
    ended        {{.Text}} NOT NULL DEFAULT '', -- the id once shown again: one holds for each person
    shown_reason {{.Text}} NOT NULL DEFAULT '',
    shown_login  {{.Text}} NOT NULL DEFAULT '',
    shown_at     {{.Int}}  NOT NULL DEFAULT 0,
    UNIQUE (campaign, participant, ended)
) {{.Heaped}};

CREATE INDEX hidings_by_campaign ON hidings (campaign, id);
CREATE INDEX hidings_by_participant ON hidings (participant);
