package prizes

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/approval"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/prize"
	"qingyuan/prize/draw"
)

// What of draws needs a second person.
const (
	KindDraw   = "prize.draw"
	KindRedraw = "prize.redraw"
)

// Errors of draws.
var (
	ErrNoDraw = fault.New(fault.NotFound, "prize.draw_not_found", "没有这次抽奖")
	// ErrNotFrozen is a draw whose entrants are not frozen yet.
	ErrNotFrozen = fault.New(fault.Conflict, "prize.not_frozen", "参与名单尚未冻结，不能开奖")
	// ErrDrawn is a second draw.
	ErrDrawn = fault.New(fault.Conflict, "prize.drawn", "已经开奖，不能再次抽奖")
	// ErrNotDrawn is a redraw before the draw.
	ErrNotDrawn = fault.New(fault.Conflict, "prize.not_drawn", "尚未开奖")
	// ErrClaimable is a redraw of a prize that its winner may still claim, or has claimed.
	ErrClaimable = fault.New(fault.Conflict, "prize.claimable", "只有逾期未领的奖品可以递补")
	// ErrNoReserve is a redraw when every reserve has had a turn.
	ErrNoReserve = fault.New(fault.Conflict, "prize.no_reserve", "候补名单已经用完")
)

// Entrant is somebody who takes part in a draw.
type Entrant struct {
	Ticket      string `json:"t"`
	Participant string `json:"p"`
	Unit        string `json:"u"`
	Group       string `json:"g"`
}

// Frozen is a draw from the freezing of its entrants on.
type Frozen struct {
	// Count and Root are those of the entrants, and the others those of who may not win.
	Count, ExcludedCount int
	Root, ExcludedRoot   draw.Hash
	At                   time.Time
	// File is the draw as it is published, nil before it was drawn at DrawnAt.
	File    []byte
	DrawnAt time.Time

	entrants []byte
}

// list is what lies in the database of entrants.
type list struct {
	Entrants []Entrant `json:"entrants"`
	Excluded []string  `json:"excluded"`
}

// Draw returns a draw whose entrants are frozen, and ErrNotFrozen before.
func (s *Service) Draw(ctx context.Context, campaignID, id string) (Frozen, error) {
	o, err := s.Catalog.Prizes(campaignID)
	if err != nil {
		return Frozen{}, err
	}
	if _, known := o.Plan.Draw(id); !known {
		return Frozen{}, ErrNoDraw
	}
	var f Frozen
	var root, excluded string
	var frozen, drawn int64
	err = s.DB.QueryRowContext(ctx, `SELECT entrants, entrants_count, entrants_root, excluded_count, excluded_root, frozen, file, drawn
		FROM prize_draws WHERE campaign = $1 AND draw = $2`, campaignID, id).
		Scan(&f.entrants, &f.Count, &root, &f.ExcludedCount, &excluded, &frozen, &f.File, &drawn)
	if errors.Is(err, sql.ErrNoRows) {
		return Frozen{}, ErrNotFrozen
	}
	if err == nil {
		err = errors.Join(f.Root.UnmarshalText([]byte(root)), f.ExcludedRoot.UnmarshalText([]byte(excluded)))
	}
	if err != nil {
		return Frozen{}, fmt.Errorf("read draw %s of %s: %w", id, campaignID, err)
	}
	f.At = time.UnixMilli(frozen)
	if drawn > 0 {
		f.DrawnAt = time.UnixMilli(drawn)
	}
	return f, nil
}

// freezeAfter is how long after the moment of a freeze the entrants are read: acts of that
// moment have arrived by then.
const freezeAfter = time.Minute

// Freeze freezes the entrants of every draw whose time has come. It may be repeated, by
// any number of servers: the first list stays.
func (s *Service) Freeze(ctx context.Context) error {
	var errs []error
	for _, o := range s.Plans() {
		for i := range o.Plan.Draws {
			d := &o.Plan.Draws[i]
			if s.Now().Before(d.EntrantsAt.Add(freezeAfter)) {
				continue
			}
			if _, err := s.Draw(ctx, o.Campaign.ID, d.ID); !errors.Is(err, ErrNotFrozen) {
				errs = append(errs, err)
				continue
			}
			if err := s.freeze(ctx, o, d); err != nil {
				errs = append(errs, fmt.Errorf("freeze draw %s of %s: %w", d.ID, o.Campaign.ID, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (s *Service) freeze(ctx context.Context, o prize.Offer, d *prize.Draw) error {
	id := o.Campaign.ID
	if err := s.resolve(ctx, id); err != nil {
		return err
	}
	book, err := s.phoneBook(ctx, id)
	if err != nil {
		return err
	}
	barred, err := s.excluded(ctx, id)
	if err != nil {
		return err
	}
	var l list
	known := map[string]string{} // whom a phone number gives away, and who excluded it
	err = s.Entrants(ctx, o.Campaign, d.EntrantsAt, !book.empty(), func(c Candidate) {
		if login, insider := book.find(c.Phones...); insider {
			known[c.Participant] = login
			return
		}
		if _, found := slices.BinarySearch(barred, c.Participant); !found && o.Plan.Qualify.Ever(o.Campaign, c.Acts) {
			l.Entrants = append(l.Entrants, Entrant{s.Keys.Ticket(id, c.Participant), c.Participant, c.Acts.Unit, c.Acts.Group})
		}
	})
	if err != nil {
		return err
	}
	for p := range known {
		if _, found := slices.BinarySearch(barred, p); !found {
			l.Excluded = append(l.Excluded, s.Keys.Ticket(id, p))
		}
	}
	for _, p := range barred {
		l.Excluded = append(l.Excluded, s.Keys.Ticket(id, p))
	}
	slices.SortFunc(l.Entrants, func(a, b Entrant) int { return strings.Compare(a.Ticket, b.Ticket) })
	slices.Sort(l.Excluded)
	root, err := draw.Root(l.tickets())
	if err != nil {
		return err
	}
	excluded, err := draw.Root(l.Excluded)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		for p, login := range known {
			if _, err := s.bar(ctx, tx, id, p, login); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO prize_draws (campaign, draw, entrants, entrants_count, entrants_root, excluded_count, excluded_root, frozen)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (campaign, draw) DO NOTHING`,
			id, d.ID, raw, len(l.Entrants), root.String(), len(l.Excluded), excluded.String(), s.Now().UnixMilli())
		return err
	})
}

func (l *list) tickets() []string {
	out := make([]string, len(l.Entrants))
	for i := range l.Entrants {
		out[i] = l.Entrants[i].Ticket
	}
	return out
}

// entrant finds whose a ticket is.
func (l *list) entrant(ticket string) (Entrant, bool) {
	i, found := slices.BinarySearchFunc(l.Entrants, ticket, func(e Entrant, t string) int { return strings.Compare(e.Ticket, t) })
	if !found {
		return Entrant{}, false
	}
	return l.Entrants[i], true
}

// Drawing is what is asked for: to draw by a public value, or to draw a place again.
type Drawing struct {
	Draw string `json:"draw"`
	// Value is the public value as it was typed, Place the place that is drawn again.
	Value string `json:"value,omitempty"`
	Place int    `json:"place,omitempty"`
}

// drawKinds are what of draws needs a second person.
func (s *Service) drawKinds() []approval.Kind {
	reach := func(_ context.Context, by operator.Actor, a operator.Action, c *campaign.Campaign, _ json.RawMessage) error {
		if c == nil || !by.Within(a, c, "") {
			return fault.ErrNotFound
		}
		return nil
	}
	return []approval.Kind{{Name: KindDraw, Reach: reach, Run: s.runDraw}, {Name: KindRedraw, Reach: reach, Run: s.runRedraw}}
}

// MayDraw refuses what cannot be done of a draw as it stands, before anybody is asked to
// agree to it.
func (s *Service) MayDraw(ctx context.Context, campaignID string, d Drawing) error {
	f, err := s.Draw(ctx, campaignID, d.Draw)
	switch {
	case err != nil:
		return err
	case d.Place == 0 && f.File != nil:
		return ErrDrawn
	case d.Place == 0 && strings.TrimSpace(d.Value) == "":
		return fault.InvalidField("value", "请填写公开结果")
	case d.Place > 0 && f.File == nil:
		return ErrNotDrawn
	case d.Place > 0:
		_, err = s.unclaimed(ctx, campaignID, d, f.File)
	}
	return err
}

// runDraw draws, once, and gives the prizes. After a stop it goes on; another draw is
// ErrDrawn.
func (s *Service) runDraw(ctx context.Context, a approval.Approval) (json.RawMessage, error) {
	var d Drawing
	if err := json.Unmarshal(a.Params, &d); err != nil {
		return nil, fmt.Errorf("read approval %s: %w", a.ID, err)
	}
	f, err := s.Draw(ctx, a.Campaign, d.Draw)
	if err != nil {
		return nil, err
	}
	o, err := s.Catalog.Prizes(a.Campaign)
	if err != nil {
		return nil, err
	}
	plan, _ := o.Plan.Draw(d.Draw)
	var l list
	if err := json.Unmarshal(f.entrants, &l); err != nil {
		return nil, fmt.Errorf("read the entrants of draw %s: %w", d.Draw, err)
	}
	if f.File == nil {
		if err := s.draw(ctx, a, d, plan, &l); err != nil {
			return nil, err
		}
	}
	var by string
	var raw []byte
	err = s.DB.QueryRowContext(ctx, `SELECT approval, file FROM prize_draws WHERE campaign = $1 AND draw = $2`, a.Campaign, d.Draw).Scan(&by, &raw)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read draw %s of %s: %w", d.Draw, a.Campaign, err)
	case by != a.ID:
		return nil, ErrDrawn
	}
	file, err := draw.Read(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	items := map[string]int{}
	for _, p := range file.Places {
		if p.Prize == "" {
			break // reserves
		}
		items[p.Prize]++
		if err := s.award(ctx, a.Campaign, &l, p.Ticket, prize.Win{WinID: prize.WinID{Prize: p.Prize, Item: items[p.Prize]}, Draw: d.Draw, Place: p.Place}); err != nil {
			return nil, err
		}
	}
	return json.Marshal(map[string]any{"entrants": file.Count, "places": len(file.Places), "seed": file.Seed})
}

// draw computes the draw and writes its file, unless there is one.
func (s *Service) draw(ctx context.Context, a approval.Approval, d Drawing, plan *prize.Draw, l *list) error {
	secret := draw.Secret(s.Keys.Draw(a.Campaign, d.Draw))
	file, err := draw.New(s.Keys.Announcement(a.Campaign, plan), draw.Frozen{Entrants: l.tickets(), Excluded: orNone(l.Excluded)}, secret, d.Value)
	if err != nil {
		return err
	}
	var raw bytes.Buffer
	if err := file.Write(&raw); err != nil {
		return err
	}
	return s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE prize_draws SET file = $1, drawn = $2, approval = $3 WHERE campaign = $4 AND draw = $5 AND file IS NULL`,
			raw.Bytes(), s.Now().UnixMilli(), a.ID, a.Campaign, d.Draw)
		return err
	})
}

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// award gives what a place has won to whoever its ticket is of. It may be repeated.
func (s *Service) award(ctx context.Context, campaignID string, l *list, ticket string, w prize.Win) error {
	e, ok := l.entrant(ticket)
	if !ok {
		return fmt.Errorf("ticket %s of draw %s is nobody's", ticket, w.Draw)
	}
	w.Participant, w.Unit, w.Group, w.At = e.Participant, e.Unit, e.Group, s.Now().Truncate(time.Millisecond)
	_, err := s.Store.Award(ctx, campaignID, w)
	return err
}

// unclaimed reads the file of a draw in which the prize of a place was not claimed in
// time by whoever has it now.
func (s *Service) unclaimed(ctx context.Context, campaignID string, d Drawing, raw []byte) (*draw.File, error) {
	file, err := draw.Read(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	id, ok := itemOf(file, d.Place)
	if !ok {
		return nil, fault.InvalidField("place", "这个名次没有奖品")
	}
	for i, r := range file.Redraws {
		if r.Place == d.Place {
			id = redrawn(file, id.Prize, i+1)
		}
	}
	w, err := s.Store.Win(ctx, campaignID, id)
	if err != nil {
		return nil, err
	}
	if w.State != prize.Expired {
		return nil, ErrClaimable
	}
	return file, nil
}

// itemOf is the item that a place of a draw has won.
func itemOf(file *draw.File, place int) (prize.WinID, bool) {
	items := map[string]int{}
	for _, p := range file.Places {
		items[p.Prize]++
		if p.Place == place && p.Prize != "" {
			return prize.WinID{Prize: p.Prize, Item: items[p.Prize]}, true
		}
	}
	return prize.WinID{}, false
}

// redrawn is the item of a redraw: those of a prize that was drawn again come behind its
// stock, so that each is one person's for good.
func redrawn(file *draw.File, id string, number int) prize.WinID {
	for _, p := range file.Announcement.Prizes {
		if p.ID == id {
			return prize.WinID{Prize: id, Item: p.Count + number}
		}
	}
	return prize.WinID{}
}

// runRedraw gives an unclaimed prize to the next reserve, once for each approval.
func (s *Service) runRedraw(ctx context.Context, a approval.Approval) (json.RawMessage, error) {
	var d Drawing
	if err := json.Unmarshal(a.Params, &d); err != nil {
		return nil, fmt.Errorf("read approval %s: %w", a.ID, err)
	}
	f, err := s.Draw(ctx, a.Campaign, d.Draw)
	if err != nil {
		return nil, err
	}
	if f.File == nil {
		return nil, ErrNotDrawn
	}
	number, err := s.redraw(ctx, a, d)
	if err != nil {
		return nil, err
	}
	if f, err = s.Draw(ctx, a.Campaign, d.Draw); err != nil {
		return nil, err
	}
	file, err := draw.Read(bytes.NewReader(f.File))
	if err != nil {
		return nil, err
	}
	var l list
	if err := json.Unmarshal(f.entrants, &l); err != nil {
		return nil, fmt.Errorf("read the entrants of draw %s: %w", d.Draw, err)
	}
	r := file.Redraws[number-1]
	first, _ := itemOf(file, r.Place)
	w := prize.Win{WinID: redrawn(file, first.Prize, number), Draw: d.Draw, Place: r.Reserve}
	if err := s.award(ctx, a.Campaign, &l, r.Ticket, w); err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

// redraw adds a redraw to the file, unless the approval has done so, and returns its
// number.
func (s *Service) redraw(ctx context.Context, a approval.Approval, d Drawing) (number int, err error) {
	err = s.DB.QueryRowContext(ctx, `SELECT number FROM prize_redraws WHERE approval = $1`, a.ID).Scan(&number)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return number, err
	}
	f, err := s.Draw(ctx, a.Campaign, d.Draw)
	if err != nil {
		return 0, err
	}
	file, err := s.unclaimed(ctx, a.Campaign, d, f.File)
	if err != nil {
		return 0, err
	}
	if _, err := file.Redraw(d.Place, a.Reason); err != nil {
		if errors.Is(err, draw.ErrNoReserve) {
			err = ErrNoReserve.Because(err)
		}
		return 0, err
	}
	if err := file.Verify(); err != nil {
		return 0, err
	}
	var raw bytes.Buffer
	if err := file.Write(&raw); err != nil {
		return 0, err
	}
	number = len(file.Redraws)
	return number, s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE prize_draws SET file = $1 WHERE campaign = $2 AND draw = $3 AND file = $4`, raw.Bytes(), a.Campaign, d.Draw, f.File)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, fault.ErrUnavailable) // another redraw came first: once more
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO prize_redraws (approval, campaign, draw, number) VALUES ($1, $2, $3, $4)`, a.ID, a.Campaign, d.Draw, number)
		return err
	})
}
