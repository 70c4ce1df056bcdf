-- +goose Up

-- Question banks as offices keep them. Times are Unix milliseconds, dates YYYY-MM-DD.
CREATE TABLE question_banks (
    id         {{.Text}} NOT NULL PRIMARY KEY,
    name       {{.Text}} NOT NULL,
    campaign   {{.Text}} NOT NULL, -- with scope, the office that keeps it; '' is every campaign
    scope      {{.Text}} NOT NULL, -- '' is the whole tree
    next       {{.Int}}  NOT NULL, -- number of the next question that brings no id
    change     {{.Int}}  NOT NULL, -- counts the changes; whoever edits holds the row
    created_at {{.Int}}  NOT NULL
) {{.Heaped}};

CREATE TABLE questions (
    bank     {{.Text}} NOT NULL,
    id       {{.Text}} NOT NULL,
    latest   {{.Int}}  NOT NULL, -- the newest version
    in_force {{.Int}}  NOT NULL, -- the version that may be drawn; 0: none
    PRIMARY KEY (bank, id)
) {{.Keyed}};

-- Every version of every question. The content never changes, only what became of it.
CREATE TABLE question_versions (
    bank           {{.Text}} NOT NULL,
    question       {{.Text}} NOT NULL,
    version        {{.Int}}  NOT NULL, -- from 1, without a gap
    digest         {{.Text}} NOT NULL, -- of the content without the id
    body           {{.Text}} NOT NULL, -- JSON
    kind           {{.Text}} NOT NULL,
    topic          {{.Text}} NOT NULL,
    valid_to       {{.Text}} NOT NULL, -- '' while no end is known
    words          {{.Text}} NOT NULL, -- what is searched, in lower case
    state          {{.Text}} NOT NULL CHECK (state IN ('draft', 'submitted', 'reviewed', 'withdrawn')),
    editor         {{.Text}} NOT NULL,
    editor_login   {{.Text}} NOT NULL,
    edited_at      {{.Int}}  NOT NULL,
    origin         {{.Text}} NOT NULL, -- file and line, '' where it was written by hand
    reviewer       {{.Text}} NOT NULL,
    reviewer_login {{.Text}} NOT NULL,
    decided_at     {{.Int}}  NOT NULL, -- 0: not yet
    reason         {{.Text}} NOT NULL,
    PRIMARY KEY (bank, question, version)
) {{.Heaped}};

-- What campaigns draw from: banks as they were on the day they were published.
CREATE TABLE question_publications (
    bank      {{.Text}}  NOT NULL,
    version   {{.Int}}   NOT NULL, -- from 1, without a gap
    digest    {{.Text}}  NOT NULL,
    questions {{.Int}}   NOT NULL,
    packed    {{.Bytes}} NOT NULL,
    actor     {{.Text}}  NOT NULL,
    login     {{.Text}}  NOT NULL,
    at        {{.Int}}   NOT NULL,
    PRIMARY KEY (bank, version)
) {{.Heaped}};
