-- +goose Up

-- Facts and personal records are found by participant block by block, a block being 65,536
-- positions of an epoch: each new row then goes into the newest block's part of the index,
-- a few pages that are in memory, and not anywhere in the index of a million people. Whoever
-- looks for somebody looks into each block.
DROP INDEX facts_by_participant;
DROP INDEX personal_by_participant;

CREATE INDEX facts_by_block ON facts (shard, epoch, (seq / 65536), participant, seq);
CREATE INDEX personal_by_block ON personal (shard, epoch, (seq / 65536), participant, seq);
