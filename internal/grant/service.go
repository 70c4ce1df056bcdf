package grant

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/fault"
	"qingyuan/internal/jobs"
	"qingyuan/internal/ledger"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
)

// Kinds of job.
const (
	JobCollect = "grant.collect"
	JobWork    = "grant.work"
)

// Acts gives single attempts back where they are counted. Each method is one atomic
// step and may be repeated after an unknown outcome.
type Acts interface {
	// Begin bars every earlier turn at the grant.
	Begin(ctx context.Context, campaignID string, t act.Turn) error
	// Give gives the participant of an attempt one back, once for each grant.
	Give(ctx context.Context, campaignID string, t act.Turn, a act.Act) (act.Giving, error)
}

// Catalog finds campaigns.
type Catalog interface {
	Campaign(id string) (*campaign.Campaign, error)
}

// Service makes grants and works on them. Set the fields before the first use.
type Service struct {
	DB      *sqldb.DB
	Ledger  *ledger.Ledger
	Acts    Acts
	Catalog Catalog
	Jobs    *jobs.Queue
	Now     func() time.Time
	// Stretch is how many attempts are given back between two notes of how far the work
	// is; 256 when zero.
	Stretch int64
}

// Register lets a queue do the work of this service.
func (s *Service) Register(q *jobs.Queue) {
	q.Register(JobCollect, s.collect)
	q.Register(JobWork, s.work)
}

// Draft is what a grant is made of.
type Draft struct {
	Campaign string
	From, To time.Time // [From, To)
	// Unit bounds it to a part of the tree; "" is the operator's own part.
	Unit   string
	Reason string // for the audit log
}

// longestStretch is for how long attempts may have been hit by one thing.
const longestStretch = 31 * 24 * time.Hour

const longestReason = 500 // characters

func (d *Draft) check() error {
	if !d.From.Before(d.To) || d.To.Sub(d.From) > longestStretch {
		return fault.InvalidField("to", "应晚于 from，相隔至多 31 天")
	}
	if n := utf8.RuneCountInString(d.Reason); strings.TrimSpace(d.Reason) == "" || n > longestReason || strings.ContainsFunc(d.Reason, unicode.IsControl) {
		return fault.InvalidField("reason", "请填写原因，至多 500 字")
	}
	return nil
}

// Create begins a grant: the ledger is searched in the background, and nothing else
// happens.
func (s *Service) Create(ctx context.Context, who operator.Actor, d Draft) (*Grant, error) {
	def, err := s.Catalog.Campaign(d.Campaign)
	if err != nil {
		return nil, err
	}
	node, err := reach(who, def, d.Unit)
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return nil, err
	}
	g := &Grant{
		ID: strings.ToLower(rand.Text()[:10]), Campaign: def.ID, Node: node, From: d.From.Truncate(time.Millisecond),
		To: d.To.Truncate(time.Millisecond), State: Collecting, Reason: d.Reason, Operator: who.ID, Login: who.Login,
		CreatedAt: s.Now().Truncate(time.Millisecond),
	}
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if g.Job, err = s.submit(ctx, tx, who, g, JobCollect); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO grants (id, campaign, node, since, until, state, reason, operator, login, created, job)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, g.ID, g.Campaign, g.Node, g.From.UnixMilli(), g.To.UnixMilli(),
			string(g.State), g.Reason, g.Operator, g.Login, g.CreatedAt.UnixMilli(), g.Job)
		if err != nil {
			return err
		}
		return s.remember(ctx, tx, who, g, "create", "")
	})
	if err != nil {
		return nil, fmt.Errorf("create a grant in %s: %w", def.ID, err)
	}
	return g, nil
}

// reach is the part of the tree that a grant of this operator reaches.
func reach(who operator.Actor, def *campaign.Campaign, unit string) (string, error) {
	if unit != "" {
		if !who.Within(operator.CorrectResults, def, unit) {
			return "", fault.ErrNotFound
		}
		return unit, nil
	}
	return who.Part(operator.CorrectResults, def, fault.InvalidField("unit", "请选择一个地区或单位"))
}

// params are those of both kinds of job.
type params struct {
	Grant string `json:"grant"`
}

func (s *Service) submit(ctx context.Context, tx *sql.Tx, who operator.Actor, g *Grant, kind string) (string, error) {
	raw, err := json.Marshal(params{g.ID})
	if err != nil {
		return "", fmt.Errorf("encode the parameters of grant %s: %w", g.ID, err)
	}
	return s.Jobs.SubmitTx(ctx, tx, jobs.Request{
		Kind: kind, Action: string(operator.CorrectResults), Campaign: g.Campaign, Node: g.Node,
		Actor: who.ID, Login: who.Login, Addr: who.Addr, Params: raw,
	})
}

// remember writes an act on a grant into the audit log, in its transaction.
func (s *Service) remember(ctx context.Context, tx *sql.Tx, who operator.Actor, g *Grant, what string, before State) error {
	is := map[string]any{"do": what, "state": g.State, "items": g.Items, "from": g.From.UTC(), "to": g.To.UTC(), "unit": g.Node}
	after, err := json.Marshal(is)
	if err != nil {
		return fmt.Errorf("encode the audit of grant %s: %w", g.ID, err)
	}
	r := who.Record(s.Now(), operator.CorrectResults, g.Campaign, "grant:"+g.ID)
	r.After, r.Reason = after, g.Reason
	if before != "" {
		if r.Before, err = json.Marshal(map[string]any{"state": before}); err != nil {
			return fmt.Errorf("encode the audit of grant %s: %w", g.ID, err)
		}
	}
	return audit.AppendTx(ctx, tx, r)
}

// Find returns a grant that the operator may see, as it is now, or ErrNotFound.
func (s *Service) Find(ctx context.Context, who operator.Actor, campaignID, id string) (*Grant, error) {
	g, err := load(ctx, s.DB, id)
	if err != nil {
		return nil, err
	}
	def, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	if g.Campaign != campaignID || !who.Within(operator.CorrectResults, def, g.Node) {
		return nil, ErrNotFound
	}
	if err := s.settle(ctx, g); err != nil {
		return nil, err
	}
	return g, g.count(ctx, s.DB)
}

// settle gives the state of a grant whose work has ended without a word: its server
// died too often.
func (s *Service) settle(ctx context.Context, g *Grant) error {
	if g.State != Running && g.State != Collecting || g.Job == "" {
		return nil
	}
	j, err := s.Jobs.Job(ctx, g.Job)
	if err != nil || !j.State.Final() {
		return err
	}
	now, err := load(ctx, s.DB, g.ID) // the job ends after the grant
	if err != nil {
		return err
	}
	*g = *now
	switch g.State {
	case Running:
		g.State, g.Code, g.Text = Stopped, j.Code, j.Error
	case Collecting:
		g.State, g.Code, g.Text = Failed, j.Code, j.Error
	default:
	}
	return nil
}

// List returns the grants of a campaign that the operator may see, the newest first.
func (s *Service) List(ctx context.Context, who operator.Actor, campaignID string, offset, limit int64) ([]*Grant, error) {
	def, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	out, err := operator.SeenFrom(offset, limit, func(offset, most int64) ([]*Grant, error) {
		rows, err := s.DB.QueryContext(ctx, `SELECT `+columns+` FROM grants WHERE campaign = $1 ORDER BY created DESC, id DESC LIMIT $2 OFFSET $3`, campaignID, most, offset)
		return sqldb.Collect(rows, err, func(r *sql.Rows) (*Grant, error) { return scan(r) })
	}, func(g *Grant) bool { return who.Within(operator.CorrectResults, def, g.Node) })
	if err != nil {
		return nil, fmt.Errorf("list the grants of %s: %w", campaignID, err)
	}
	for _, g := range out {
		if err := g.count(ctx, s.DB); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Items returns at most limit participants of a grant after a place on its list.
func (s *Service) Items(ctx context.Context, g *Grant, after, limit int64) ([]Item, error) {
	return items(ctx, s.DB, g.ID, after, limit)
}

// Sample returns some participants of a grant, spread over its list.
func (s *Service) Sample(ctx context.Context, g *Grant) ([]Item, error) {
	const most = 20
	var out []Item
	step := max(g.Items/most, 1)
	for n := int64(0); n < g.Items && len(out) < most; n += step {
		some, err := items(ctx, s.DB, g.ID, n, 1)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

// Run begins to give back, or goes on after a stop.
func (s *Service) Run(ctx context.Context, who operator.Actor, g *Grant) error {
	stale := g.State
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		now, err := load(ctx, tx, g.ID)
		if err != nil {
			return err
		}
		if stale == Stopped && now.State == Running { // its server died, and nobody has written that down
			if err := (lead{from: []State{Running}, to: Stopped}).apply(ctx, tx, g.ID); err != nil {
				return err
			}
		}
		if g.Job, err = s.submit(ctx, tx, who, g, JobWork); err != nil {
			return err
		}
		err = lead{[]State{Ready, Stopped}, Running, `, code = '', error = '', job = $3, ran = $4`}.apply(ctx, tx, g.ID, g.Job, s.Now().UnixMilli())
		if err != nil {
			return err
		}
		g.State = Running
		return s.remember(ctx, tx, who, g, "run", stale)
	})
	if err != nil {
		return fmt.Errorf("run grant %s: %w", g.ID, err)
	}
	return nil
}

// Cancel stops the work on a grant where it is; what was given stays given. One that
// nobody has begun is discarded.
func (s *Service) Cancel(ctx context.Context, who operator.Actor, g *Grant) error {
	running, works := g.State == Running, g.State == Running || g.State == Collecting
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		was := g.State
		if !running {
			if err := (lead{from: []State{Collecting, Failed, Ready}, to: Discarded}).apply(ctx, tx, g.ID); err != nil {
				return err
			}
			g.State = Discarded
		}
		return s.remember(ctx, tx, who, g, "cancel", was)
	})
	if err != nil {
		return fmt.Errorf("cancel grant %s: %w", g.ID, err)
	}
	if !works {
		return nil
	}
	if err := s.Jobs.Cancel(ctx, g.Job); !errors.Is(err, jobs.ErrFinal) {
		return err
	}
	return nil
}
