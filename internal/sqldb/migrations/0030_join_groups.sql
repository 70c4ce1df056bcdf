-- +goose Up

-- Everybody who goes on as the same participant is looked at together.
CREATE INDEX joins_by_goes_on_as ON joins (goes_on_as);
