-- +goose Up

-- The unit by whose roster a person signs in: '' is that of the line. It stays when units
-- are merged, so that whoever came before comes back as the same participant.
ALTER TABLE roster ADD COLUMN door {{.Text}} NOT NULL DEFAULT '';
