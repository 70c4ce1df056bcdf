-- +goose Up

-- Questions that are drawn no more in a campaign, by what makes them that question: id,
-- wording, options and key. Servers follow it as they follow the campaigns, by
-- catalog_head. Times are Unix milliseconds.
CREATE TABLE catalog_withdrawals (
    campaign    {{.Text}} NOT NULL,
    fingerprint {{.Text}} NOT NULL,
    question    {{.Text}} NOT NULL, -- its id in the bank
    challenge   {{.Text}} NOT NULL, -- that withdrew it
    at          {{.Int}}  NOT NULL,
    PRIMARY KEY (campaign, fingerprint)
) {{.Keyed}};

-- What participants say of a question on a paper of theirs. Texts are sealed as other
-- personal data, and can be erased.
CREATE TABLE question_reports (
    id          {{.Text}}  NOT NULL PRIMARY KEY, -- ULID
    campaign    {{.Text}}  NOT NULL,
    unit        {{.Text}}  NOT NULL, -- where the participant belonged
    participant {{.Text}}  NOT NULL, -- opaque
    number      {{.Int}}   NOT NULL, -- of the attempt
    question    {{.Text}}  NOT NULL, -- its id in the bank
    fingerprint {{.Text}}  NOT NULL,
    bank        {{.Text}}  NOT NULL, -- digest of the version
    place       {{.Int}}   NOT NULL, -- on the paper
    kind        {{.Text}}  NOT NULL CHECK (kind IN ('wrong_key', 'outdated', 'unclear', 'other')),
    day         {{.Text}}  NOT NULL, -- local date of the campaign
    text        {{.Bytes}},          -- NULL where there is none, and once erased
    created     {{.Int}}   NOT NULL,
    UNIQUE (campaign, participant, number, place)
) {{.Heaped}};

CREATE INDEX question_reports_by_question ON question_reports (campaign, fingerprint, id);
CREATE INDEX question_reports_by_participant ON question_reports (participant);

-- Questions that an office has taken up, and what it decided.
CREATE TABLE challenges (
    id          {{.Text}}  NOT NULL PRIMARY KEY, -- 10 letters and digits
    campaign    {{.Text}}  NOT NULL,
    question    {{.Text}}  NOT NULL, -- its id in the bank
    fingerprint {{.Text}}  NOT NULL,
    bank        {{.Text}}  NOT NULL, -- digest of the version that was looked at
    state       {{.Text}}  NOT NULL CHECK (state IN ('open', 'dismissed', 'decided')),
    decision    {{.Text}}  NOT NULL DEFAULT '' CHECK (decision IN ('', 'withdraw', 'correct')),
    rule        {{.Text}}  NOT NULL DEFAULT '' CHECK (rule IN ('', 'give_all', 'accept_both', 'drop')),
    answer      {{.Int}}   NOT NULL DEFAULT 0,  -- the key that is right by now, as a set of bits; 0 where there is none
    version     {{.Int}}   NOT NULL DEFAULT 0,  -- of the question in the bank of its office that a correction made
    why         {{.Text}}  NOT NULL,            -- it was taken up; for the office
    reason      {{.Text}}  NOT NULL DEFAULT '', -- told to the participants
    login       {{.Text}}  NOT NULL,
    created     {{.Int}}   NOT NULL,
    decider     {{.Text}}  NOT NULL DEFAULT '', -- login
    decided     {{.Int}}   NOT NULL DEFAULT 0,
    correction  {{.Text}}  NOT NULL DEFAULT ''  -- the batch that marks again; empty where nothing is to be
) {{.Heaped}};

CREATE INDEX challenges_by_campaign ON challenges (campaign, created, id);
CREATE INDEX challenges_by_correction ON challenges (correction);

-- A batch may mark its acts again instead of taking them out. A remark is JSON: the marks
-- and the rulings before and after.
ALTER TABLE corrections ADD COLUMN challenge {{.Text}} NOT NULL DEFAULT '';
ALTER TABLE corrections ADD COLUMN checked {{.Int}} NOT NULL DEFAULT 0; -- the list was whole when the work on it began
ALTER TABLE correction_items ADD COLUMN remark {{.Text}} NOT NULL DEFAULT '';

-- The rulings by which attempts are marked: from the beginning of the work on a challenge
-- until the end of its undo. Servers follow them by catalog_head.
CREATE TABLE catalog_rulings (
    campaign    {{.Text}} NOT NULL,
    n           {{.Int}}  NOT NULL, -- in the order of the decisions
    challenge   {{.Text}} NOT NULL,
    question    {{.Text}} NOT NULL, -- its id in the bank
    fingerprint {{.Text}} NOT NULL,
    rule        {{.Text}} NOT NULL,
    answer      {{.Int}}  NOT NULL, -- the key that is right by now; 0 where there is none
    reason      {{.Text}} NOT NULL, -- told to the participants
    PRIMARY KEY (campaign, n),
    UNIQUE (campaign, challenge)
) {{.Heaped}};

-- What a batch that marks again means for the people on its list: their best attempt and
-- their place on the main board without it and with it, by the facts that the list was
-- made from. 0 is no place.
CREATE TABLE challenge_ranks (
    correction   {{.Text}} NOT NULL,
    n            {{.Int}}  NOT NULL, -- from 1, by the place afterwards
    participant  {{.Text}} NOT NULL, -- opaque
    unit         {{.Text}} NOT NULL,
    score_before {{.Int}}  NOT NULL,
    rank_before  {{.Int}}  NOT NULL,
    score_after  {{.Int}}  NOT NULL,
    rank_after   {{.Int}}  NOT NULL,
    PRIMARY KEY (correction, n)
) {{.Keyed}};
