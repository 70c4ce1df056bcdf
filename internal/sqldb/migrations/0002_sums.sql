-- +goose Up

-- submitted.1: "added|total" where a campaign ranks the sum of all attempts, or
-- empty; and 1 where the participant was hidden then.
ALTER TABLE facts ADD COLUMN sum    {{.Text}} NOT NULL DEFAULT '';
ALTER TABLE facts ADD COLUMN hidden {{.Int}}  NOT NULL DEFAULT 0;
