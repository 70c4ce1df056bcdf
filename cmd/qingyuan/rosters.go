package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/catalog"
	"qingyuan/internal/jobs"
	"qingyuan/internal/ledger"
	"qingyuan/internal/operator"
	"qingyuan/internal/roster"
	"qingyuan/internal/seal"
	"qingyuan/internal/session"
	"qingyuan/internal/sqldb"
)

// labelRoster is the key by which rosters are hashed; see those in services.go.
const labelRoster = "roster hash"

func newRosters(cfg configs.Config, db *sqldb.DB, now func() time.Time) (*roster.Rosters, error) {
	secret, err := newSecrecy(cfg)
	if err != nil {
		return nil, err
	}
	return roster.New(db, roster.Keys{Hash: seal.Derive(cfg.Secrets.Master.Key(), labelRoster), Box: secret.box}, now), nil
}

// rostersFollow lets the rosters of units that are merged follow, for a command that needs
// the secrets for nothing else.
func rostersFollow(cfg configs.Config, db *sqldb.DB) func(ctx context.Context, tx *sql.Tx, campaignID string, units []string, into string) error {
	return func(ctx context.Context, tx *sql.Tx, campaignID string, units []string, into string) error {
		cfg, err := cfg.WithSecrets()
		if err != nil {
			return err
		}
		rosters, err := newRosters(cfg, db, time.Now)
		if err != nil {
			return err
		}
		return rosters.Merge(ctx, tx, campaignID, units, into)
	}
}

// rosterDesk signs people in by their rosters, and joins them with who they are
// elsewhere.
type rosterDesk struct {
	rosters   *roster.Rosters
	catalog   interface{ Campaigns() []*campaign.Campaign }
	find      func(id string) (*campaign.Campaign, error)
	sessions  *session.Service
	campaigns interface {
		Acted(ctx context.Context, campaignID, participant string) (bool, error)
	}
	ledger *ledger.Ledger
	tries  *session.Tries
	// binder keeps people to the units of their rosters.
	binder interface {
		Bind(ctx context.Context, campaignID, participant, unit string) error
	}
	// twice deals with people who have taken part as two participants.
	twice interface {
		SamePerson(ctx context.Context, from, to string) error
		TakenOut(ctx context.Context, campaignID, participant string) (bool, error)
		GoesOnAs(ctx context.Context, from, to string) error
	}
}

var _ session.Involvement = (*rosterDesk)(nil)

// SignIn implements httpapi.Rosters.
func (d *rosterDesk) SignIn(ctx context.Context, campaignID, unit, number, name string) (session.Pair, error) {
	c, p, err := d.recognise(ctx, campaignID, unit, number, name)
	if err != nil {
		return session.Pair{}, err
	}
	pair, err := d.sessions.SignInRoster(ctx, entryOf(c.ID, p))
	return d.keep(ctx, c, p.Unit, pair, err)
}

// keep keeps whoever was signed in to the unit of their roster.
func (d *rosterDesk) keep(ctx context.Context, c *campaign.Campaign, unit string, pair session.Pair, err error) (session.Pair, error) {
	if err != nil {
		return session.Pair{}, err
	}
	if !c.AlwaysOpen && !time.Now().Before(c.ClosesAt) { // nobody enrols any more, and it may have left Redis
		return pair, nil
	}
	if err := d.binder.Bind(ctx, c.ID, pair.Participant, unit); err != nil {
		return session.Pair{}, err
	}
	return pair, nil
}

// Try implements httpapi.Rosters.
func (d *rosterDesk) Try(ctx context.Context, campaignID, unit, number string) error {
	number, _ = roster.CleanNumber(number) // what cannot be a number is one number
	return d.tries.Count(ctx, session.RosterEntry{Campaign: campaignID, Unit: unit, Number: number})
}

// Link implements httpapi.Rosters.
func (d *rosterDesk) Link(ctx context.Context, participant, campaignID, unit, number, name string) (session.Pair, error) {
	c, p, err := d.recognise(ctx, campaignID, unit, number, name)
	if err != nil {
		return session.Pair{}, err
	}
	entry := entryOf(c.ID, p)
	pair, err := d.sessions.Link(ctx, participant, entry, d)
	if errors.Is(err, session.ErrLinkConflict) { // the office has to hear of it
		err = cmp.Or(d.flag(ctx, entry, participant), err)
	}
	return d.keep(ctx, c, p.Unit, pair, err)
}

// flag tells the office that whoever came by the roster is another participant as well.
func (d *rosterDesk) flag(ctx context.Context, entry session.RosterEntry, participant string) error {
	from, err := d.sessions.AtRoster(ctx, entry)
	if err != nil {
		return err
	}
	return d.twice.SamePerson(ctx, from, participant)
}

// recognise finds the person on the roster.
func (d *rosterDesk) recognise(ctx context.Context, campaignID, unit, number, name string) (*campaign.Campaign, roster.Person, error) {
	c, err := d.find(campaignID)
	if err != nil {
		return nil, roster.Person{}, err
	}
	p, err := d.rosters.Recognise(ctx, c, unit, number, name)
	return c, p, err
}

// entryOf names the way of signing in that a person of a roster has.
func entryOf(campaignID string, p roster.Person) session.RosterEntry {
	return session.RosterEntry{Campaign: campaignID, Unit: p.Door, Number: p.Number}
}

// Acted implements session.Involvement. What an office has taken out was not done: whoever
// took part by two ways is joined once it has decided which of them counts.
func (d *rosterDesk) Acted(ctx context.Context, campaignID, participant string) (bool, error) {
	acted, err := d.campaigns.Acted(ctx, campaignID, participant)
	if err != nil || !acted {
		return false, err
	}
	out, err := d.twice.TakenOut(ctx, campaignID, participant)
	return !out, err
}

// ActedAnywhere implements session.Involvement.
func (d *rosterDesk) ActedAnywhere(ctx context.Context, participant string) (bool, error) {
	for _, c := range d.catalog.Campaigns() {
		if acted, err := d.Acted(ctx, c.ID, participant); err != nil || acted {
			return acted, err
		}
	}
	return false, nil
}

// GoesOnAs implements session.Involvement.
func (d *rosterDesk) GoesOnAs(ctx context.Context, from, to string) error {
	return d.twice.GoesOnAs(ctx, from, to)
}

// DoorsOf implements session.Involvement.
func (d *rosterDesk) DoorsOf(ctx context.Context, participant string) ([]string, error) {
	doors, err := d.ledger.DoorsOf(ctx, participant)
	if err != nil {
		return nil, fmt.Errorf("join a roster with who came by another way: %w", err)
	}
	return doors, nil
}

// bound tells whether a participant came by the roster of the unit. Who came by it within
// the last second may be missed.
func (d *rosterDesk) bound(ctx context.Context, campaignID, unit, participant string) (bool, error) {
	hashes, err := d.ledger.DoorsOf(ctx, participant)
	if err != nil || len(hashes) == 0 {
		return false, err
	}
	for p, err := range d.rosters.People(ctx, campaignID, unit) {
		if err != nil {
			return false, err
		}
		if !p.Erased() && slices.Contains(hashes, d.sessions.RosterDoor(entryOf(campaignID, p))) {
			return true, nil
		}
	}
	return false, nil
}

// rosterOffice keeps rosters for operators.
type rosterOffice struct {
	*roster.Desk

	desk *rosterDesk
}

// newRosterOffice imports rosters, and counts the units by them from then on.
func newRosterOffice(d *rosterDesk, store *catalog.Store, queue *jobs.Queue) *rosterOffice {
	return &rosterOffice{desk: d, Desk: &roster.Desk{
		Rosters: d.rosters, Jobs: queue,
		Find: func(ctx context.Context, id string) (*campaign.Campaign, error) {
			return preparedOr(ctx, store, d.find, id)
		},
		Resized: func(ctx context.Context, j jobs.Job, sizes map[string]int64) error {
			return resize(ctx, store, operator.Actor{ID: j.Actor, Login: j.Login, Addr: j.Addr}, j.Campaign, sizes)
		},
	}}
}

// resize sets the sizes of rosters. A campaign of the demonstration keeps those of its
// file.
func resize(ctx context.Context, store *catalog.Store, by operator.Actor, campaignID string, sizes map[string]int64) error {
	_, err := store.SetRosters(ctx, catalog.Act{Actor: by, Reason: "名册导入"}, campaignID, sizes)
	if errors.Is(err, campaign.ErrNotFound) {
		return nil
	}
	return err
}

// People implements httpapi.RosterDesk.
func (o *rosterOffice) People(ctx context.Context, campaignID, unit, group string, limit int) ([]roster.Person, int64, error) {
	people, total, err := o.some(ctx, campaignID, unit, limit, func(p roster.Person) (bool, error) { return in(p, group), nil })
	for i := range people {
		if people[i].Erased() {
			people[i].Name = "（本人已注销）"
		}
	}
	return people, total, err
}

// NotYet implements httpapi.RosterDesk. Who takes part by WeChat and has not been joined
// with the roster is among them: nobody knows who they are. Who was erased is not.
func (o *rosterOffice) NotYet(ctx context.Context, campaignID, unit, group string, limit int) ([]roster.Person, int64, error) {
	return o.some(ctx, campaignID, unit, limit, func(p roster.Person) (bool, error) {
		if p.Erased() || !in(p, group) {
			return false, nil
		}
		participant, err := o.desk.sessions.AtRoster(ctx, entryOf(campaignID, p))
		if err != nil || participant == "" {
			return true, err
		}
		acted, err := o.desk.campaigns.Acted(ctx, campaignID, participant)
		return !acted, err
	})
}

// in tells whether a person belongs to a group; "" is all of them.
func in(p roster.Person, group string) bool { return group == "" || p.Group == group }

// some returns at most limit of the persons that fit, and counts all of them.
func (o *rosterOffice) some(ctx context.Context, campaignID, unit string, limit int, fits func(roster.Person) (bool, error)) ([]roster.Person, int64, error) {
	var out []roster.Person
	var total int64
	for p, err := range o.Rosters.People(ctx, campaignID, unit) {
		if err != nil {
			return nil, 0, err
		}
		ok, err := fits(p)
		if err != nil {
			return nil, 0, err
		}
		if !ok {
			continue
		}
		if total++; len(out) < limit {
			out = append(out, p)
		}
	}
	return out, total, nil
}

// preparedOr returns a campaign as it is prepared in SQL, or as find knows it.
func preparedOr(ctx context.Context, store *catalog.Store, find func(string) (*campaign.Campaign, error), id string) (*campaign.Campaign, error) {
	e, err := store.Entry(ctx, id)
	if errors.Is(err, campaign.ErrNotFound) {
		return find(id)
	}
	if err != nil {
		return nil, err
	}
	d, err := store.Definition(ctx, e)
	return d.Campaign, err
}
