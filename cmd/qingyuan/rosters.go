package main

import (
	"context"
	"fmt"
	"time"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
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

// rosterDesk signs people in by their rosters, and joins them with who they are
// elsewhere.
type rosterDesk struct {
	rosters   *roster.Rosters
	catalog   interface{ Campaigns() []*campaign.Campaign }
	find      func(id string) (*campaign.Campaign, error)
	sessions  *session.Service
	campaigns *redisstore.Campaigns
	ledger    *ledger.Ledger
}

var _ session.Involvement = (*rosterDesk)(nil)

// SignIn implements httpapi.Rosters.
func (d *rosterDesk) SignIn(ctx context.Context, campaignID, unit, number, name string) (session.Pair, error) {
	e, err := d.entry(ctx, campaignID, unit, number, name)
	if err != nil {
		return session.Pair{}, err
	}
	return d.sessions.SignInRoster(ctx, e)
}

// Link implements httpapi.Rosters.
func (d *rosterDesk) Link(ctx context.Context, participant, campaignID, unit, number, name string) (session.Pair, error) {
	e, err := d.entry(ctx, campaignID, unit, number, name)
	if err != nil {
		return session.Pair{}, err
	}
	return d.sessions.Link(ctx, participant, e, d)
}

// entry finds the person on the roster.
func (d *rosterDesk) entry(ctx context.Context, campaignID, unit, number, name string) (session.RosterEntry, error) {
	c, err := d.find(campaignID)
	if err != nil {
		return session.RosterEntry{}, err
	}
	p, err := d.rosters.Recognise(ctx, c, unit, number, name)
	if err != nil {
		return session.RosterEntry{}, err
	}
	return session.RosterEntry{Campaign: c.ID, Unit: p.Unit, Number: p.Number}, nil
}

// Acted implements session.Involvement.
func (d *rosterDesk) Acted(ctx context.Context, campaignID, participant string) (bool, error) {
	return d.campaigns.Acted(ctx, campaignID, participant)
}

// ActedAnywhere implements session.Involvement.
func (d *rosterDesk) ActedAnywhere(ctx context.Context, participant string) (bool, error) {
	for _, c := range d.catalog.Campaigns() {
		if acted, err := d.campaigns.Acted(ctx, c.ID, participant); err != nil || acted {
			return acted, err
		}
	}
	return false, nil
}

// DoorsOf implements session.Involvement.
func (d *rosterDesk) DoorsOf(ctx context.Context, participant string) ([]string, error) {
	doors, err := d.ledger.DoorsOf(ctx, participant)
	if err != nil {
		return nil, fmt.Errorf("join a roster with who came by another way: %w", err)
	}
	return doors, nil
}
