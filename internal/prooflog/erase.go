package prooflog

import (
	"context"
	"database/sql"
	"fmt"

	"qingyuan/campaign"
	"qingyuan/internal/retention"
)

// Erase takes away all that leads from a participant to their leaves, in every campaign.
// The leaves stay and prove as before; whose they are nobody can tell any more.
func (l *Log) Erase(ctx context.Context, participant string) error {
	return l.erase(ctx, participant, "IN (SELECT campaign FROM proof_logs)")
}

// EraseIn is Erase in one campaign: for a consent that is taken back there.
func (l *Log) EraseIn(ctx context.Context, campaignID, participant string) error {
	return l.erase(ctx, participant, "= $2", campaignID)
}

// erase forgets the links of a participant in the campaigns that a condition names.
func (l *Log) erase(ctx context.Context, participant, where string, args ...any) error {
	err := l.DB.WithTx(ctx, func(tx *sql.Tx) error {
		// Whoever seals holds the head of the log: what they link is seen here, or they see
		// that the participant was erased.
		if _, err := tx.ExecContext(ctx, "UPDATE proof_logs SET size = size"); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM proof_links WHERE participant = $1 AND campaign "+where, //nolint:gosec // The conditions stand above.
			append([]any{participant}, args...)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget what leads from participant %s to the logs: %w", participant, err)
	}
	return nil
}

// Holder is what a log keeps of people.
func (l *Log) Holder() retention.Holder {
	links := retention.Rows{DB: l.DB, Table: "proof_links", Key: "campaign, participant, act, idx", Holds: "1 = 1"}
	return retention.Holder{
		Name: "proof_links", Kind: campaign.KeptPersonal, Tables: []string{"proof_links"},
		Erase: l.Erase, Left: links.Left, Forget: links.Forget,
	}
}
