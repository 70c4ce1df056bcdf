-- +goose Up

-- The people who run campaigns. An account is disabled and never removed: the audit
-- log speaks of it.
CREATE TABLE operators (
    id          {{.Text}}  NOT NULL PRIMARY KEY,
    login       {{.Text}}  NOT NULL UNIQUE, -- in lower case
    name        {{.Text}}  NOT NULL,
    campaign    {{.Text}}  NOT NULL, -- with scope, the home: which offices may manage the account
    scope       {{.Text}}  NOT NULL,
    password    {{.Text}}  NOT NULL, -- argon2id, in its usual form
    password_at {{.Int}}   NOT NULL, -- Unix milliseconds, as all times here
    must_change {{.Int}}   NOT NULL, -- 1 until the person has chosen a password of their own
    disabled_at {{.Int}}   NOT NULL, -- 0: in use
    created_at  {{.Int}}   NOT NULL,
    secret      {{.Bytes}} NOT NULL, -- of the second factor, sealed; empty for none
    secret_at   {{.Int}}   NOT NULL, -- when a code confirmed it; 0: not yet
    code_step   {{.Int}}   NOT NULL, -- the newest step of time whose code was taken
    reset_by    {{.Text}}  NOT NULL, -- whom a second person let reset the account
    reset_until {{.Int}}   NOT NULL
) {{.Heaped}};

CREATE TABLE operator_grants (
    operator {{.Text}} NOT NULL REFERENCES operators (id),
    role     {{.Text}} NOT NULL,
    campaign {{.Text}} NOT NULL, -- '': every campaign
    scope    {{.Text}} NOT NULL, -- '': the whole tree
    PRIMARY KEY (operator, role, campaign, scope)
) {{.Keyed}};

-- Passwords that were used before.
CREATE TABLE operator_passwords (
    operator {{.Text}} NOT NULL REFERENCES operators (id),
    at       {{.Int}}  NOT NULL,
    password {{.Text}} NOT NULL,
    PRIMARY KEY (operator, at)
) {{.Keyed}};

-- Recovery codes, for whoever has lost the phone.
CREATE TABLE operator_codes (
    operator {{.Text}}  NOT NULL REFERENCES operators (id),
    hash     {{.Bytes}} NOT NULL,
    PRIMARY KEY (operator, hash)
) {{.Keyed}};

CREATE TABLE operator_sessions (
    token      {{.Bytes}} NOT NULL PRIMARY KEY, -- the hash of what the browser holds
    id         {{.Text}}  NOT NULL UNIQUE,
    operator   {{.Text}}  NOT NULL REFERENCES operators (id),
    begun      {{.Int}}   NOT NULL,
    seen       {{.Int}}   NOT NULL,
    addr       {{.Text}}  NOT NULL,
    two_factor {{.Int}}   NOT NULL,
    ended_at   {{.Int}}   NOT NULL -- 0: not ended by anybody
) {{.Keyed}};

CREATE INDEX operator_sessions_operator ON operator_sessions (operator, begun);

-- Tries to sign in, by a keyed hash of the login or of the network.
CREATE TABLE operator_tries (
    who    {{.Text}} NOT NULL PRIMARY KEY,
    since  {{.Int}}  NOT NULL,
    tries  {{.Int}}  NOT NULL,
    locked {{.Int}}  NOT NULL -- until when
) {{.Keyed}};

CREATE INDEX operator_tries_since ON operator_tries (since);

-- Whoever changes accounts holds this row.
CREATE TABLE operator_changes (
    id {{.Int}} NOT NULL PRIMARY KEY,
    n  {{.Int}} NOT NULL
) {{.Keyed}};

-- Acts that wait for a second person, and what became of them.
CREATE TABLE approvals (
    id             {{.Text}} NOT NULL PRIMARY KEY,
    kind           {{.Text}} NOT NULL,
    campaign       {{.Text}} NOT NULL,
    params         {{.Text}} NOT NULL, -- JSON
    reason         {{.Text}} NOT NULL,
    asked_by       {{.Text}} NOT NULL,
    asked_login    {{.Text}} NOT NULL,
    asked_at       {{.Int}}  NOT NULL,
    expires_at     {{.Int}}  NOT NULL,
    state          {{.Text}} NOT NULL, -- asked, approved, refused, running, done, failed, expired
    decided_by     {{.Text}} NOT NULL,
    decided_login  {{.Text}} NOT NULL,
    decided_at     {{.Int}}  NOT NULL,
    decided_reason {{.Text}} NOT NULL,
    runner         {{.Text}} NOT NULL, -- who works on it
    due            {{.Int}}  NOT NULL, -- from when on somebody else may
    tries          {{.Int}}  NOT NULL,
    done_at        {{.Int}}  NOT NULL,
    result         {{.Text}} NOT NULL, -- JSON
    failure        {{.Text}} NOT NULL
) {{.Heaped}};

CREATE INDEX approvals_state ON approvals (state, due);

-- Where the audit log begins since its oldest part was taken away.
CREATE TABLE audit_anchor (
    id   {{.Int}}   NOT NULL PRIMARY KEY,
    seq  {{.Int}}   NOT NULL, -- of the last entry that was taken away
    hash {{.Bytes}} NOT NULL
) {{.Keyed}};
