package offline

import (
	"qingyuan/campaign"
	"qingyuan/internal/retention"
)

// Holder says how the proofs of batches are forgotten: where the paper lies, and the
// hash of its scan. How many persons a batch counts stays.
func (s *Service) Holder() retention.Holder {
	rows := retention.Rows{DB: s.DB, Table: "offline_batches", Key: "id", Holds: "proof <> id", Set: "proof = id, hash = ''"}
	return retention.Holder{
		Name: "offline_batches", Kind: campaign.KeptPapers, Tables: []string{"offline_batches"}, Left: rows.Left, Forget: rows.Forget,
	}
}
