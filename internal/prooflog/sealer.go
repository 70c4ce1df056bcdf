package prooflog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"qingyuan/internal/ledger"
	"qingyuan/internal/sqldb"
	"qingyuan/proof"
)

// Sealer seals and signs the logs of all campaigns, again and again. Any number of them
// may work, in any number of servers. Fill the fields before the first use.
type Sealer struct {
	Log *Log
	// Every is how often a log that has grown is signed, at the same time on all servers.
	Every time.Duration
	// Keepers are given every checkpoint.
	Keepers []Keeper
	// Signed is told of each checkpoint, also of one that was there before; Failed of a
	// step that did not succeed and is tried again.
	Signed func(campaignID string, s proof.Signed)
	Failed func(what string, err error)
	// Told is told after each round how many logs are broken.
	Told func(broken int)

	// behind are the campaigns of which the last round has left some.
	behind map[string]bool

	mu     sync.Mutex
	failed map[string]error // by campaign, and keeper where one was not reached
}

// Run works until ctx ends.
func (s *Sealer) Run(ctx context.Context) {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		if s.Round(ctx) {
			next.Reset(0)
			continue
		}
		next.Reset(s.rest(s.Log.Now()))
	}
}

// rest is the time until shortly after the next span has ended: what was accepted in it
// has come into the ledger by then.
func (s *Sealer) rest(now time.Time) time.Duration {
	return now.Truncate(s.Every).Add(s.Every + s.Every/10).Sub(now)
}

// Round goes through all campaigns once. Campaigns on the shelf are among them: their
// logs end like all others, and erasures there reach them. It tells whether it has left
// acts for the next round, so that one campaign in its rush holds up no other.
func (s *Sealer) Round(ctx context.Context) (behind bool) {
	ids, err := s.Log.campaigns(ctx)
	s.note(ctx, "", err)
	was := s.behind
	s.behind = map[string]bool{}
	for _, id := range ids {
		more, err := s.campaign(ctx, id, was[id])
		if ctx.Err() != nil {
			return false
		}
		if more && err == nil {
			s.behind[id] = true
		}
		s.note(ctx, id, err)
	}
	s.Told(len(s.Broken()))
	return len(s.behind) > 0
}

// campaign seals what waits of one campaign, signs each span that is whole, and hands out.
// It tells whether it has left some after a span's time. Unless this server was behind, it
// leaves alone what another has just signed.
func (s *Sealer) campaign(ctx context.Context, id string, behind bool) (more bool, err error) {
	last, ok, err := s.Log.Latest(ctx, id)
	if err != nil || ok && !behind && s.Log.Now().Sub(last.At) < s.Every*9/10 {
		return false, errors.Join(err, s.pass(ctx, id, last, ok))
	}
	for began := s.Log.Now(); ; {
		sealed, err := s.Log.Seal(ctx, id)
		if err != nil {
			return false, err
		}
		if sealed.More && !sealed.Due {
			continue
		}
		last, ok, err := s.Log.Sign(ctx, id)
		if err = errors.Join(err, s.pass(ctx, id, last, ok)); err != nil || !sealed.More {
			return false, err
		}
		if s.Log.Now().Sub(began) >= s.Every {
			return true, nil
		}
	}
}

// pass tells of the newest checkpoint, if there is one, and hands what there is to the
// keepers.
func (s *Sealer) pass(ctx context.Context, id string, last proof.Signed, ok bool) error {
	if !ok {
		return nil
	}
	if err := s.Log.file(id, last); err != nil {
		return err
	}
	s.Signed(id, last)
	for _, k := range s.Keepers {
		s.note(ctx, id+", keeper "+k.Name(), s.Log.hand(ctx, id, k))
	}
	return nil
}

// note remembers what did not succeed, and forgets it once it does.
func (s *Sealer) note(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = map[string]error{}
	}
	delete(s.failed, what)
	if err != nil {
		s.failed[what] = err
		s.Failed(what, err)
	}
}

// Warnings lists what somebody should look at.
func (s *Sealer) Warnings() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, what := range slices.Sorted(maps.Keys(s.failed)) {
		said := "is not sealed or signed"
		if errors.Is(s.failed[what], ErrBroken) {
			said = "is BROKEN, and nothing of it is signed any more"
		}
		out = append(out, fmt.Sprintf("the log of %s %s: see the server's log", what, said))
	}
	return out
}

// Broken lists the campaigns whose logs are not what was signed.
func (s *Sealer) Broken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for what, err := range s.failed {
		if errors.Is(err, ErrBroken) {
			out = append(out, what)
		}
	}
	slices.Sort(out)
	return out
}

// campaigns lists all that were ever opened.
func (l *Log) campaigns(ctx context.Context) ([]string, error) {
	rows, err := l.DB.QueryContext(ctx, "SELECT campaign FROM campaigns WHERE campaign <> $1 ORDER BY campaign", ledger.DoorsCampaign)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return nil, fmt.Errorf("list the campaigns: %w", err)
	}
	return all, nil
}
