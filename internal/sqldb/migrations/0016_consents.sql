-- +goose Up

-- Consents that were taken back. That one was given lies in the facts: which notice, when,
-- with a guardian's or without. Times are Unix milliseconds.
CREATE TABLE consent_withdrawals (
    campaign    {{.Text}} NOT NULL,
    participant {{.Text}} NOT NULL, -- opaque
    at          {{.Int}}  NOT NULL, -- of the newest withdrawal
    PRIMARY KEY (campaign, participant)
) {{.Keyed}};
