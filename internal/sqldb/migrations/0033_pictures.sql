-- +goose Up

-- Pictures of questions, as they are shown. The name tells what is in them, so the same
-- picture is there once, and one never changes.
CREATE TABLE pictures (
    name     {{.Text}}  NOT NULL PRIMARY KEY, -- SHA-256 of the body, hexadecimal, and the ending
    kind     {{.Text}}  NOT NULL CHECK (kind IN ('image/png', 'image/jpeg')),
    width    {{.Int}}   NOT NULL CHECK (width > 0),
    height   {{.Int}}   NOT NULL CHECK (height > 0),
    body     {{.Bytes}} NOT NULL,
    operator {{.Text}}  NOT NULL, -- who brought it first
    login    {{.Text}}  NOT NULL,
    created  {{.Int}}   NOT NULL
) {{.Heaped}};
