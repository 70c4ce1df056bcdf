// Package offline counts the pledges that were signed on paper: by the batch, entered by
// the operator of a unit, with the place where the paper lies. They are a figure of their
// own. Nobody knows who signed on paper, and whoever signed may have signed online as
// well: added to the others, the sum would count people twice.
package offline

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/oklog/ulid/v2"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
)

// Batch is a pile of paper.
type Batch struct {
	ID, Campaign, Unit string
	// Persons is how many have signed, at least 1.
	Persons int64
	// Held is the local date of the signing, as 2006-01-02.
	Held string
	// Proof says where the paper lies. Hash is the SHA-256 of a scan, in hexadecimal; ""
	// for none.
	Proof, Hash string
	Login       string // of who entered it
	CreatedAt   time.Time
	// WithdrawnAt is zero for a batch that counts. Reason and WithdrawnBy say why it
	// does not, and the login of who decided so.
	WithdrawnAt         time.Time
	Reason, WithdrawnBy string
}

// Service keeps the batches of a database. Set the fields before the first use.
type Service struct {
	DB *sqldb.DB
	// Campaign looks a campaign up, or returns campaign.ErrNotFound.
	Campaign func(id string) (*campaign.Campaign, error)
	Now      func() time.Time
}

// The bounds of a batch.
const (
	maxPersons = 1_000_000
	maxProof   = 200
)

// Errors of batches.
var (
	ErrNotFound = fault.New(fault.NotFound, "paper.not_found", "没有这批纸质承诺书")
	// ErrExists is the same paper with another number of persons or another scan.
	ErrExists = fault.New(fault.Conflict, "paper.exists", "该单位当天的这份材料已经登记，如需更正请先撤回")
	// ErrWithdrawn is a batch that was withdrawn before, for another reason.
	ErrWithdrawn = fault.New(fault.Conflict, "paper.withdrawn", "这批纸质承诺书已经撤回")
)

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// check refuses what no batch can be. A batch belongs to a unit, and to a day that has
// begun.
func (b *Batch) check(c *campaign.Campaign, now time.Time) error {
	if n, ok := c.Tree.Node(b.Unit); !ok || n.Kind != campaign.Unit {
		return fault.ErrNotFound
	}
	b.Proof, b.Hash = strings.TrimSpace(b.Proof), strings.ToLower(b.Hash)
	n := utf8.RuneCountInString(b.Proof)
	held, err := time.ParseInLocation(time.DateOnly, b.Held, c.Zone)
	switch {
	case b.Persons < 1 || b.Persons > maxPersons:
		return fault.InvalidField("persons", fmt.Sprintf("应为 1 至 %d", maxPersons))
	case err != nil || held.After(now):
		return fault.InvalidField("date", "应为不晚于今天的日期，如 2026-06-26")
	case n == 0 || n > maxProof || !utf8.ValidString(b.Proof) || strings.ContainsFunc(b.Proof, unicode.IsControl):
		return fault.InvalidField("proof", fmt.Sprintf("请写明材料存放处，最多 %d 个字", maxProof))
	case b.Hash != "" && !sha256Hex.MatchString(b.Hash):
		return fault.InvalidField("hash", "应为 64 位十六进制的 SHA-256")
	}
	return nil
}

// Record enters a batch. The same paper of a unit and day is counted once: a repeat gives
// the first back, with fresh false, and ErrExists where it says something else.
func (s *Service) Record(ctx context.Context, who operator.Actor, b Batch) (kept Batch, fresh bool, err error) {
	c, err := s.Campaign(b.Campaign)
	if err != nil {
		return Batch{}, false, err
	}
	now := s.Now().Truncate(time.Millisecond).UTC()
	if err := b.check(c, now); err != nil {
		return Batch{}, false, err
	}
	b.ID, b.Login, b.CreatedAt = ulid.Make().String(), who.Login, now
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO offline_batches (id, campaign, unit, persons, held, proof, hash, operator, login, created)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (campaign, unit, held, proof, gone) DO NOTHING`,
			b.ID, b.Campaign, b.Unit, b.Persons, b.Held, b.Proof, b.Hash, who.ID, b.Login, now.UnixMilli())
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			fresh = false
			return err
		}
		fresh = true
		r := s.record(who, &b)
		r.After = told(&b)
		return audit.AppendTx(ctx, tx, r)
	})
	if err != nil {
		return Batch{}, false, fmt.Errorf("record a batch of paper at unit %s: %w", b.Unit, err)
	}
	if fresh {
		return b, true, nil
	}
	kept, err = s.one(ctx, `campaign = $1 AND unit = $2 AND held = $3 AND proof = $4 AND gone = ''`, b.Campaign, b.Unit, b.Held, b.Proof)
	if err == nil && (kept.Persons != b.Persons || kept.Hash != b.Hash) {
		err = ErrExists
	}
	return kept, false, err
}

// Withdraw takes a batch of a unit out of the figure. It stays to be seen, with the
// reason. A repeat with the same reason changes nothing.
func (s *Service) Withdraw(ctx context.Context, who operator.Actor, campaignID, unit, id, reason string) (Batch, error) {
	b, err := s.one(ctx, `id = $1 AND campaign = $2 AND unit = $3`, id, campaignID, unit)
	if err != nil {
		return Batch{}, err
	}
	if !b.WithdrawnAt.IsZero() {
		return again(b, reason)
	}
	now, before := s.Now().Truncate(time.Millisecond).UTC(), told(&b)
	b.WithdrawnAt, b.Reason, b.WithdrawnBy = now, reason, who.Login
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE offline_batches SET withdrawn = $1, reason = $2, by_login = $3, gone = id
			WHERE id = $4 AND withdrawn = 0`, now.UnixMilli(), reason, who.Login, id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrWithdrawn)
		}
		r := s.record(who, &b)
		r.Before, r.Reason = before, reason
		return audit.AppendTx(ctx, tx, r)
	})
	if err != nil {
		return Batch{}, fmt.Errorf("withdraw batch %s: %w", id, err)
	}
	return b, nil
}

func again(b Batch, reason string) (Batch, error) {
	if b.Reason != reason {
		return Batch{}, ErrWithdrawn
	}
	return b, nil
}

// record begins what the audit log is told of a batch.
func (s *Service) record(who operator.Actor, b *Batch) audit.Record {
	return who.Record(s.Now(), operator.RecordPaper, b.Campaign, "paper:"+b.ID)
}

// told is what the audit log holds of a batch.
func told(b *Batch) json.RawMessage {
	raw, err := json.Marshal(map[string]any{"unit": b.Unit, "persons": b.Persons, "date": b.Held, "proof": b.Proof, "hash": b.Hash})
	if err != nil {
		panic(err) // strings and numbers only
	}
	return raw
}
