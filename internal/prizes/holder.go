package prizes

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/retention"
	"qingyuan/internal/sqldb"
	"qingyuan/prize"
)

// Holder says what is kept of winners. Records of prizes are kept for two years, also of
// who asks to be erased: from then on they are stored and used for nothing else
// (个人信息保护法 art. 47). Run takes them away afterwards.
func (s *Service) Holder() retention.Holder {
	return retention.Holder{
		Name: "prize_claims", Kind: campaign.KeptPersonal, Tables: []string{"prize_claims", "prize_risks", "prize_payments"}, Erase: s.ErasePersonal, Tell: s.tell,
	}
}

// ErasePersonal stops the use of what a participant told to get prizes, everywhere, and
// takes it away where its two years are over.
func (s *Service) ErasePersonal(ctx context.Context, participant string) error {
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE prize_claims SET stopped = 1 WHERE participant = $1`, participant); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE prize_risks SET state = 'untold', sealed = NULL WHERE participant = $1 AND state = 'asking'`, participant)
		return err
	})
	if err != nil {
		return fmt.Errorf("stop the use of the claims of %s: %w", participant, err)
	}
	return nil
}

// tell lists what a participant told to get prizes, in every campaign.
func (s *Service) tell(ctx context.Context, participant string) ([]retention.Told, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT campaign, prize, item, at, sealed IS NOT NULL FROM prize_claims WHERE participant = $1 ORDER BY campaign, prize, item`, participant)
	out, err := sqldb.Collect(rows, err, func(r *sql.Rows) (t retention.Told, err error) {
		var id prize.WinID
		var at int64
		var there bool
		err = r.Scan(&t.Campaign, &id.Prize, &id.Item, &at, &there)
		t.Kind, t.At, t.Text = "prize_claim", time.UnixMilli(at), id.String()
		if there {
			t.State = "kept"
		}
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the claims of %s: %w", participant, err)
	}
	risks, err := s.tellRisks(ctx, participant)
	return append(out, risks...), err
}

// tellRisks lists where WeChat was asked about a participant, and what it has told.
func (s *Service) tellRisks(ctx context.Context, participant string) ([]retention.Told, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT campaign, state, rank, at FROM prize_risks WHERE participant = $1 ORDER BY campaign, prize, item`, participant)
	out, err := sqldb.Collect(rows, err, func(r *sql.Rows) (t retention.Told, err error) {
		var rank int
		var at int64
		err = r.Scan(&t.Campaign, &t.State, &rank, &at)
		t.Kind, t.At = "wechat_risk", time.UnixMilli(at)
		if t.State == "told" {
			t.Text = strconv.Itoa(rank)
		}
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what WeChat was asked about %s: %w", participant, err)
	}
	return out, nil
}

// Forget takes away what winners of a campaign told, once its two years are over.
func (s *Service) Forget(ctx context.Context, c *campaign.Campaign) error {
	if c.AlwaysOpen || s.Now().Before(c.ClosesAt.Add(Archived)) {
		return nil
	}
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE prize_claims SET sealed = NULL WHERE campaign = $1 AND sealed IS NOT NULL`, c.ID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM prize_risks WHERE campaign = $1`, c.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget the winners of %s: %w", c.ID, err)
	}
	return nil
}

// resealAtOnce is how many claims are read at a time.
const resealAtOnce = 500

// Reseal seals every claim and code with the current key, and returns how many there
// are.
func (s *Service) Reseal(ctx context.Context) (n int, err error) {
	for _, table := range []string{"claim", "code"} {
		for last := (sealedRow{}); ; {
			page, err := s.sealed(ctx, table, last)
			if err != nil {
				return n, err
			}
			for _, r := range page {
				if err := s.resealOne(ctx, table, r); err != nil {
					return n, fmt.Errorf("seal the %s of %s in %s anew: %w", table, r.id, r.campaign, err)
				}
				last = r
				n++
			}
			if len(page) < resealAtOnce {
				break
			}
		}
	}
	return n, nil
}

// sealedRow is something sealed in its place.
type sealedRow struct {
	campaign string
	id       prize.WinID
	raw      []byte
}

// sealed reads some rows of a table behind one.
func (s *Service) sealed(ctx context.Context, table string, after sealedRow) ([]sealedRow, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT campaign, prize, item, sealed FROM prize_`+table+`s
		WHERE sealed IS NOT NULL AND (campaign > $1 OR campaign = $1 AND (prize > $2 OR prize = $2 AND item > $3))
		ORDER BY campaign, prize, item LIMIT $4`, after.campaign, after.id.Prize, after.id.Item, resealAtOnce)
	out, err := sqldb.Collect(rows, err, func(rows *sql.Rows) (r sealedRow, err error) {
		err = rows.Scan(&r.campaign, &r.id.Prize, &r.id.Item, &r.raw)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read every %s: %w", table, err)
	}
	return out, nil
}

// resealOne writes what was read, unless it is another by now.
func (s *Service) resealOne(ctx context.Context, table string, r sealedRow) error {
	open, err := s.Box.Open(r.raw, aad(table, r.campaign, r.id))
	if err != nil {
		return err
	}
	return s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE prize_`+table+`s SET sealed = $1 WHERE campaign = $2 AND prize = $3 AND item = $4 AND sealed = $5`, //nolint:gosec // The table is one of two words.
			s.Box.Seal(open, aad(table, r.campaign, r.id)), r.campaign, r.id.Prize, r.id.Item, r.raw)
		return err
	})
}
