package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/catalog"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/ledger"
	"qingyuan/internal/operator"
	"qingyuan/internal/prizes"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/replay"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/wechat"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/prize"
)

// Keys of prizes; see those in services.go.
const (
	labelPrizeSecrets = "prize secrets"
	labelPrizeTickets = "prize tickets"
	labelPrizeCodes   = "prize codes"
)

// prizeService joins instant wins to their store. How many codes of a voucher there are
// is told by whoever hands them out.
func prizeService(cfg configs.Config, c *redisstore.Campaigns, b book, now func() time.Time) *prize.Service {
	master := cfg.Secrets.Master.Key()
	return &prize.Service{
		Catalog: b, Store: redisstore.NewPrizes(c, b.Campaign), Now: now,
		Keys: prize.Keys{Secrets: seal.Derive(master, labelPrizeSecrets), Tickets: seal.Derive(master, labelPrizeTickets)},
	}
}

// newPrizeDesk joins what hands prizes out to the stores.
func newPrizeDesk(cfg configs.Config, s *services, db *sqldb.DB, k *catalog.Keeper, log *slog.Logger, now func() time.Time) *prizes.Service {
	l, marks := ledger.New(db), newMarks(cfg, db, now)
	return &prizes.Service{
		Marks: marks, Staff: &prizes.Staff{DB: db, Marks: marks, Now: now}, AtLine: s.sessions.AtDoor, Phones: phonesOf(s.secrecy, l),
		Risk: risks(s, l, log), Agreed: func(ctx context.Context, campaignID, participant string) (string, error) {
			e, err := s.enrolments.Enrolment(ctx, campaignID, participant)
			return e.NoticeVersion, err
		},
		DB: db, Box: s.secrecy.box, Catalog: k, Store: s.prizes.Store,
		Keys: s.prizes.Keys, Entrants: entrants(s, l, now),
		Flagged: newCorrections(s, &backOffice{}, db, k, now).Flagged,
		Plans:   func() []prize.Offer { return plans(k) }, Every: cfg.Rounds.Every, Now: now,
		Failed: func(err error) { log.Warn("prizes", "err", err) },
	}
}

// newStaff joins what accounts say of the people behind them to the database. It needs that
// alone.
func newStaff(cfg configs.Config, db *sqldb.DB, accounts *operator.Service, now func() time.Time) *prizes.Staff {
	return &prizes.Staff{DB: db, Marks: newMarks(cfg, db, now), Accounts: accounts.In, Now: now}
}

// newMarks recognises codes and people.
func newMarks(cfg configs.Config, db *sqldb.DB, now func() time.Time) prizes.Marks {
	return prizes.Marks{Hash: seal.Derive(cfg.Secrets.Master.Key(), labelPrizeCodes), Door: rosterDoors(cfg, db, now)}
}

// rosterDoors names the doors of lines on rosters.
func rosterDoors(cfg configs.Config, db *sqldb.DB, now func() time.Time) func(context.Context, string, string, string) (string, error) {
	return func(ctx context.Context, campaignID, unit, number string) (string, error) {
		rosters, err := newRosters(cfg, db, now)
		if err != nil {
			return "", err
		}
		p, found, err := rosters.Line(ctx, campaignID, unit, number)
		if err != nil || !found {
			return "", err
		}
		keys, err := sessionKeys(cfg)
		if err != nil {
			return "", err
		}
		return keys.RosterDoor(entryOf(campaignID, p)), nil
	}
}

// risks asks WeChat about somebody by what it calls them in the mini-programs that they
// come by; nil where there is none.
func risks(s *services, l *ledger.Ledger, log *slog.Logger) func(context.Context, string, netip.Addr) (int, bool, error) {
	if _, err := s.wechat.MiniProgram(""); err != nil {
		return nil
	}
	return func(ctx context.Context, participant string, from netip.Addr) (int, bool, error) {
		doors, err := l.DoorsOf(ctx, participant)
		if err != nil {
			return 0, false, err
		}
		if len(doors) == 0 {
			return 0, false, fmt.Errorf("the ledger does not know yet by which door %s came", participant)
		}
		visits, err := s.sessions.Visits(ctx, participant, doors, from)
		if err != nil {
			return 0, false, err
		}
		for _, v := range visits {
			rank, err := s.wechat.UserRisk(ctx, v)
			if err == nil {
				return rank, true, nil
			}
			if !errors.Is(err, wechat.ErrUntold) {
				return 0, false, err
			}
			if said, ok := errors.AsType[*wechat.Error](err); ok && !said.Absent() {
				log.WarnContext(ctx, "WeChat does not tell how risky a winner is", "err", err)
			}
		}
		return 0, false, nil
	}
}

// plans lists the campaigns that have prizes.
func plans(k *catalog.Keeper) []prize.Offer {
	var out []prize.Offer
	for _, c := range k.Campaigns() {
		if o, err := k.Prizes(c.ID); err == nil {
			out = append(out, o)
		}
	}
	return out
}

// hasPrizes tells whether a campaign has prizes.
func hasPrizes(k *catalog.Keeper, id string) bool {
	_, err := k.Prizes(id)
	return !errors.Is(err, prize.ErrNone)
}

// errBehind is a ledger that has not everything that a list is made of yet.
var errBehind = errors.New("the ledger is behind the stream: the entrants are frozen once it is not")

// entrants tells what everybody in a campaign had done by a moment, from the ledger, and
// on demand by which phone number they are known. What they did since then is left out,
// whenever the list is made.
func entrants(s *services, l *ledger.Ledger, now func() time.Time) func(context.Context, *campaign.Campaign, time.Time, bool, func(prizes.Candidate)) error {
	return func(ctx context.Context, c *campaign.Campaign, by time.Time, phones bool, each func(prizes.Candidate)) error {
		o, known, err := l.Campaign(ctx, c.ID)
		if err != nil || !known {
			return err
		}
		layout, err := leaderboard.ParseLayout(strconv.FormatInt(o.Base, 10), strconv.FormatUint(uint64(o.Bits), 10))
		if err != nil {
			return err
		}
		rules := &replay.Rules{Campaign: c, Layout: layout, Now: now}
		for n := range o.Shards {
			shard := ledger.Shard{Campaign: c.ID, Number: n}
			end, err := s.facts.Last(ctx, c.ID, n, event.Facts)
			if err != nil {
				return err
			}
			at, err := l.Cursor(ctx, shard, event.Facts)
			if err != nil {
				return err
			}
			if at.Compare(end) < 0 {
				return errBehind
			}
			heads := ledger.Heads{Facts: at}
			if phones {
				if heads.Personal, err = l.Cursor(ctx, shard, event.Personal); err != nil {
					return err
				}
			}
			for h, err := range l.Histories(ctx, shard, heads) {
				if err != nil {
					return err
				}
				acts := actsBy(rules, h, by)
				if acts == nil {
					continue
				}
				one := prizes.Candidate{Participant: h.Participant, Acts: acts}
				if phones {
					if one.Phones, err = phonesIn(s.secrecy, c.ID, h); err != nil {
						return err
					}
				}
				each(one)
			}
		}
		return nil
	}
}

// phonesIn are the phone numbers that somebody has enrolled with, the newest last.
func phonesIn(secret secrecy, campaignID string, h ledger.History) (phones []string, err error) {
	for _, r := range h.Records {
		if r.Kind != event.RecordEnrolment || r.Sealed == nil {
			continue
		}
		p, err := secret.open(campaignID, h.Participant, r)
		if err != nil {
			return nil, fmt.Errorf("open record %s: %w", r.Position, err)
		}
		if p.Phone != "" {
			phones = append(phones, p.Phone)
		}
	}
	return phones, nil
}

// phonesOf tells the phone numbers that somebody has enrolled with.
func phonesOf(secret secrecy, l *ledger.Ledger) func(context.Context, string, string) ([]string, error) {
	return func(ctx context.Context, campaignID, participant string) ([]string, error) {
		shards, err := l.ShardsIn(ctx, campaignID, participant)
		if err != nil {
			return nil, err
		}
		var out []string
		enrolled := false
		for _, s := range shards {
			h, err := l.History(ctx, s, participant)
			if err != nil {
				return nil, err
			}
			enrolled = enrolled || slices.ContainsFunc(h.Facts, func(f event.Fact) bool { return f.Kind == event.KindEnrolled })
			phones, err := phonesIn(secret, campaignID, h)
			if err != nil {
				return nil, err
			}
			out = append(out, phones...)
		}
		if !enrolled {
			return nil, fault.ErrUnavailable.Because(errBehind)
		}
		return out, nil
	}
}

// actsBy is what somebody had done by a moment, nil for who was not enrolled.
func actsBy(rules *replay.Rules, h ledger.History, by time.Time) *prize.Acts {
	i := slices.IndexFunc(h.Facts, func(f event.Fact) bool { return !f.At.Before(by) })
	if i >= 0 {
		h.Facts = h.Facts[:i]
	}
	h.Records = nil // nobody is named
	if len(h.Facts) == 0 {
		return nil
	}
	p := rules.Replay(h, event.Position{}).Person
	if p.Enrolment.Unit == "" {
		return nil
	}
	return &prize.Acts{
		Unit: p.Enrolment.Unit, Group: p.Enrolment.Group, Signed: p.Signature != nil && p.Signature.State == pledge.Valid,
		Attempts: redisstore.CountingAttempts(rules.Campaign, p.Finished),
	}
}
