-- +goose Up

-- Red packets that are paid by a payment service, one row for each win: whoever pays takes
-- the row first, so that no prize is paid by two ways. A number is one payment, however
-- often it is ordered; after one that has failed for good there is another number.
CREATE TABLE prize_payments (
    campaign    {{.Text}} NOT NULL,
    prize       {{.Text}} NOT NULL,
    item        {{.Int}}  NOT NULL,
    participant {{.Text}} NOT NULL, -- opaque
    attempt     {{.Int}}  NOT NULL, -- from 1; 0 where no service was asked
    fen         {{.Int}}  NOT NULL,
    state       {{.Text}} NOT NULL CHECK (state IN ('ordered', 'waiting', 'done', 'failed', 'office')),
    ref         {{.Text}} NOT NULL DEFAULT '', -- the service's number
    package     {{.Text}} NOT NULL DEFAULT '', -- what its winner confirms with
    reason      {{.Text}} NOT NULL DEFAULT '', -- why it failed
    at          {{.Int}}  NOT NULL,            -- when it was looked at last, in Unix milliseconds
    PRIMARY KEY (campaign, prize, item)
) {{.Heaped}};

CREATE INDEX prize_payments_open ON prize_payments (state, at);
CREATE INDEX prize_payments_by_participant ON prize_payments (participant);
