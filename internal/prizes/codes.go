package prizes

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sheet"
	"qingyuan/internal/sqldb"
	"qingyuan/prize"
)

// Limits of a list of codes.
const (
	maxCode  = 200 // bytes
	maxCodes = 100_000
)

// Added is what came of a list of codes, or would.
type Added struct {
	// Rows are the codes of the list, Added those of them that were not there, and Codes
	// how many there are with them.
	Rows, Added, Codes int
}

// AddCodes adds the codes of a table's first column behind those that are there. A code
// that is there already is passed over, so that a repeat changes nothing; with one that
// cannot be a code nothing is added. A dry run adds nothing either, and tells what would be.
func (s *Service) AddCodes(ctx context.Context, who operator.Actor, campaignID, id string, raw []byte, dry bool) (out Added, err error) {
	fail := func(err error) (Added, error) {
		return Added{}, fmt.Errorf("add codes of %s in %s: %w", id, campaignID, err)
	}
	_, p, err := s.plan(campaignID, id)
	if err != nil {
		return fail(err)
	}
	if p.Kind != prize.Voucher {
		return fail(ErrKind)
	}
	codes, err := readCodes(raw)
	if err != nil {
		return fail(err)
	}
	record := who.Record(s.Now(), operator.EditCampaigns, campaignID, "prize:"+id)
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		out = Added{Rows: len(codes)}
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM prize_codes WHERE campaign = $1 AND prize = $2`, campaignID, id).Scan(&out.Codes); err != nil {
			return err
		}
		for _, code := range codes {
			isNew, err := s.add(ctx, tx, campaignID, prize.WinID{Prize: id, Item: out.Codes + 1}, code)
			if err != nil {
				return err
			}
			if isNew {
				out.Added, out.Codes = out.Added+1, out.Codes+1
			}
		}
		if dry {
			return errDry
		}
		if record.After, err = json.Marshal(map[string]int{"added": out.Added, "codes": out.Codes}); err != nil {
			return err
		}
		return audit.AppendTx(ctx, tx, record)
	})
	switch {
	case errors.Is(err, errDry):
		return out, nil
	case err != nil:
		return fail(err)
	}
	return out, s.Refresh(ctx)
}

// errDry takes back what a dry run has written, so that it meets all that the true one would.
var errDry = errors.New("a dry run")

func (s *Service) add(ctx context.Context, tx *sql.Tx, campaignID string, id prize.WinID, code string) (bool, error) {
	res, err := tx.ExecContext(ctx, `INSERT INTO prize_codes (campaign, prize, item, sealed, mark, added) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (campaign, prize, mark) DO NOTHING`,
		campaignID, id.Prize, id.Item, s.Box.Seal([]byte(code), aad("code", campaignID, id)), s.Marks.of(campaignID, id.Prize, code), s.Now().UnixMilli())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// readCodes reads the first column of a table, without its head where that says what it
// is.
func readCodes(raw []byte) ([]string, error) {
	r, err := sheet.Open(raw, sheet.Limits{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was read in memory
	var out []string
	for {
		line, err := r.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return out, nil
			}
			return nil, err
		}
		if line.Blank() {
			continue
		}
		code := strings.TrimSpace(sheet.Plain(line.Cells[0]))
		if len(out) == 0 && (code == "code" || code == "兑换码" || code == "券码") {
			continue
		}
		if code == "" || len(code) > maxCode || strings.ContainsFunc(code, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) }) {
			return nil, fault.InvalidField(fmt.Sprintf("rows.%d", line.Number), "不是兑换码：应为一行一个，至多 200 字节，不含空白")
		}
		if out = append(out, code); len(out) > maxCodes {
			return nil, fault.InvalidField("file", fmt.Sprintf("一次至多 %d 个兑换码", maxCodes))
		}
	}
}

// Refresh reads how many codes there are, and who may win nothing.
func (s *Service) Refresh(ctx context.Context) error {
	rows, err := s.DB.QueryContext(ctx, `SELECT campaign, prize, COUNT(*) FROM prize_codes GROUP BY campaign, prize`)
	codes := map[string]int{}
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var campaignID, id string
		var n int
		err := r.Scan(&campaignID, &id, &n)
		codes[campaignID+"|"+id] = n
		return err
	})
	if err != nil {
		return fmt.Errorf("count codes: %w", err)
	}
	s.mu.Lock()
	s.codes = codes
	s.mu.Unlock()
	return s.refreshExcluded(ctx)
}

// Codes is how many codes of a voucher this server knows of: never more than there are.
func (s *Service) Codes(campaignID, id string) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.codes[campaignID+"|"+id]
}

// Code opens the code of a win.
func (s *Service) Code(ctx context.Context, campaignID string, id prize.WinID) (string, error) {
	var sealed []byte
	err := s.DB.QueryRowContext(ctx, `SELECT sealed FROM prize_codes WHERE campaign = $1 AND prize = $2 AND item = $3`,
		campaignID, id.Prize, id.Item).Scan(&sealed)
	if err != nil {
		return "", fmt.Errorf("code of %s in %s: %w", id, campaignID, err)
	}
	code, err := s.Box.Open(sealed, aad("code", campaignID, id))
	if err != nil {
		return "", fmt.Errorf("code of %s in %s: %w", id, campaignID, err)
	}
	return string(code), nil
}
