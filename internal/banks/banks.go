// Package banks keeps the question banks of offices in SQL: it takes files in, lets
// one person edit and another sign, and publishes what campaigns draw from. The rules
// are those of bankbook.
//
// Every change is one transaction with its entry in the audit log. The log names
// questions, versions and fields; answer keys stay here.
package banks

import (
	"cmp"
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

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/jobs"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/quiz/bankbook"
)

// Bank is a question bank and whose it is.
type Bank struct {
	ID, Name string
	// Office says who keeps it, and for which campaigns its signatures count.
	Office    operator.Place
	CreatedAt time.Time
}

// Service is what operators do with banks. Set the fields before the first use.
type Service struct {
	DB  *sqldb.DB
	Now func() time.Time
	// Zone is where a day begins and ends.
	Zone *time.Location
	// Campaign finds a campaign by its id, for banks that belong to one. Without it
	// there are none.
	Campaign func(id string) (*campaign.Campaign, error)
	// Jobs do imports in the background; needed for Order alone.
	Jobs *jobs.Queue
	// Drawing is what campaigns draw; nil where none is served.
	Drawing Drawing
}

// Drawing takes questions out of what campaigns draw from a bank, in the transaction that
// withdraws them.
type Drawing interface {
	// HoldDrawing keeps others from changing what is drawn. It comes before everything else of
	// the transaction.
	HoldDrawing(ctx context.Context, tx *sql.Tx) error
	// StopDrawing takes the questions of these ids out of drawing in every campaign that draws
	// from the bank, whatever version of them it draws, and fails where somebody would
	// find no whole paper any more.
	StopDrawing(ctx context.Context, tx *sql.Tx, bank string, ids []string) error
	// ResumeDrawing lets those of these fingerprints be drawn again that StopDrawing has taken out.
	ResumeDrawing(ctx context.Context, tx *sql.Tx, bank string, fingerprints []string) error
}

func (s *Service) campaign(id string) (*campaign.Campaign, error) {
	if s.Campaign == nil {
		return nil, campaign.ErrNotFound
	}
	return s.Campaign(id)
}

// Errors of banks.
var (
	// ErrNotFound is a bank that is not there, or not for this operator.
	ErrNotFound = fault.New(fault.NotFound, "bank.not_found", "没有这个题库")
	// ErrExists is an id that another bank has.
	ErrExists = fault.New(fault.Conflict, "bank.exists", "已有这个编号的题库")
	// ErrFile is a file that cannot be read at all; Fields says why.
	ErrFile = fault.New(fault.Invalid, "bank.file_invalid", "文件无法读取，请按提示处理")
	// ErrTaken is an id that another question of the bank has.
	ErrTaken = fault.New(fault.Conflict, "bank.question_exists", "题库中已有这个编号的题目")
)

// Actions in the audit log. The rights are operator.EditBanks and ReviewBanks.
const (
	actCreate   operator.Action = "bank.create"
	actImport   operator.Action = "bank.import"
	actEdit     operator.Action = "bank.edit"
	actSubmit   operator.Action = "bank.submit"
	actSignOff  operator.Action = "bank.sign_off"
	actSendBack operator.Action = "bank.send_back"
	actWithdraw operator.Action = "bank.withdraw"
	actPublish  operator.Action = "bank.publish"
	actExport   operator.Action = "bank.export"
)

var (
	bankForm     = regexp.MustCompile(`^[a-z][a-z0-9-]{1,39}$`)
	questionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

const maxName = 60

// Create makes an empty bank.
func (s *Service) Create(ctx context.Context, by operator.Actor, b Bank, reason string) (_ Bank, err error) {
	defer mend(&err)
	switch {
	case !bankForm.MatchString(b.ID):
		return Bank{}, fault.InvalidField("id", "由小写字母开头，后接小写字母、数字和连字符，2 至 40 位")
	case strings.TrimSpace(b.Name) == "" || utf8.RuneCountInString(b.Name) > maxName || strings.ContainsFunc(b.Name, unicode.IsControl):
		return Bank{}, fault.InvalidField("name", fmt.Sprintf("请填写名称，至多 %d 字", maxName))
	}
	if err := s.checkOffice(b.Office); err != nil {
		return Bank{}, err
	}
	if !s.covers(by, operator.EditBanks, b.Office) {
		return Bank{}, operator.ErrForbidden
	}
	b.CreatedAt = s.now()
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `INSERT INTO question_banks (id, name, campaign, scope, next, change, created_at)
			VALUES ($1, $2, $3, $4, 1, 0, $5) ON CONFLICT (id) DO NOTHING`,
			b.ID, b.Name, b.Office.Campaign, b.Office.Scope, b.CreatedAt.UnixMilli())
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return cmp.Or(err, error(ErrExists))
		}
		return s.remember(ctx, tx, by, b, deed{actCreate, reason, map[string]any{"name": b.Name, "scope": b.Office.Scope}})
	})
	if err != nil {
		return Bank{}, fmt.Errorf("create bank %s: %w", b.ID, err)
	}
	return b, nil
}

// checkOffice refuses an office that does not exist.
func (s *Service) checkOffice(p operator.Place) error {
	if p.Campaign == "" {
		if p.Scope != "" && (len(p.Scope) > 12 || strings.Trim(p.Scope, "0123456789") != "") {
			return fault.InvalidField("scope", "适用于所有活动时，应为行政区划代码")
		}
		return nil
	}
	c, err := s.campaign(p.Campaign)
	if err != nil {
		return fault.InvalidField("campaign", "没有这个活动").Because(err)
	}
	if _, ok := locate(c.Tree, p.Scope); p.Scope != "" && !ok {
		return fault.InvalidField("scope", "活动中没有这个地区或单位")
	}
	return nil
}

// covers tells whether the actor may do the action in the whole of a place.
func (s *Service) covers(by operator.Actor, a operator.Action, p operator.Place) bool {
	for _, g := range by.Grants {
		if g.Role.May(a) && (g.Campaign == "" || g.Campaign == p.Campaign) && (g.Scope == "" || g.Scope == p.Scope) {
			return true
		}
	}
	if p.Campaign == "" || p.Scope == "" {
		return false
	}
	c, err := s.campaign(p.Campaign)
	if err != nil {
		return false
	}
	id, ok := locate(c.Tree, p.Scope)
	return ok && by.Within(a, c, id)
}

// holds tells whether what is signed in a place counts for a campaign: it is signed
// for the campaign's whole tree.
func holds(p operator.Place, c *campaign.Campaign) bool {
	if p.Campaign != "" && p.Campaign != c.ID {
		return false
	}
	if p.Scope == "" {
		return true
	}
	top, ok := locate(c.Tree, p.Scope)
	if !ok {
		return false
	}
	roots := c.Tree.Children("")
	return len(roots) == 1 && roots[0].ID == top
}

// locate finds the node that a scope means, by its id or its code.
func locate(t *campaign.Tree, scope string) (string, bool) {
	if t == nil || scope == "" {
		return "", false
	}
	if _, ok := t.Node(scope); ok {
		return scope, true
	}
	for n := range t.Nodes {
		if n.Code == scope {
			return n.ID, true
		}
	}
	return "", false
}

// person is the actor as the author or the reviewer of a version. Several people work
// at the console of the server; they go by the names they give.
func person(by operator.Actor) bankbook.Person {
	if by.IsConsole() {
		return bankbook.Person{ID: by.ID + ":" + by.Name, Login: cmp.Or(by.Name, by.Login)}
	}
	return bankbook.Person{ID: by.ID, Login: by.Login}
}

func (s *Service) now() time.Time { return time.UnixMilli(s.Now().UnixMilli()).UTC() }

// today is the local date.
func (s *Service) today() string { return s.Now().In(s.Zone).Format(time.DateOnly) }

// deed is what the audit log is told of an act: what was done, why, and what is after it.
type deed struct {
	what   operator.Action
	reason string
	after  any
}

// remember appends an act on a bank to the audit log.
func (s *Service) remember(ctx context.Context, tx *sql.Tx, by operator.Actor, b Bank, d deed) error {
	rec := by.Record(s.now(), d.what, b.Office.Campaign, "bank:"+b.ID)
	rec.Reason = d.reason
	var err error
	if rec.After, err = json.Marshal(d.after); err != nil {
		return fmt.Errorf("remember %s: %w", d.what, err)
	}
	return audit.AppendTx(ctx, tx, rec)
}

// mend turns an outage of the database into what may be shown.
func mend(err *error) {
	if *err == nil {
		return
	}
	if _, told := errors.AsType[*fault.Error](*err); !told && sqldb.IsUnavailable(*err) {
		*err = fault.ErrUnavailable.Because(*err)
	}
}
