package correction

import (
	"context"
	"database/sql"
	"fmt"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
)

// SamePerson flags what a participant did who turned out to be somebody else as well and
// goes on as that other one, in every campaign in which it counts: the same person must
// not be counted twice. Nothing happens to anybody by it. What was done within the last
// second may be missed; it may be repeated.
func (s *Service) SamePerson(ctx context.Context, from, to string) error {
	fail := func(err error) error { return fmt.Errorf("flag %s, who goes on as %s: %w", from, to, err) }
	shards, err := s.Ledger.ShardsOf(ctx, from)
	if err != nil {
		return fail(err)
	}
	for _, shard := range shards {
		if shard.Campaign == ledger.DoorsCampaign {
			continue
		}
		p, _, err := s.known(ctx, shard, from)
		if err != nil {
			return fail(err)
		}
		if p.counts() {
			if err := s.flagSame(ctx, shard.Campaign, p, to); err != nil {
				return fail(err)
			}
		}
	}
	return nil
}

func (s *Service) flagSame(ctx context.Context, campaignID string, p *Person, to string) error {
	marks := []Mark{{SamePerson, p.ID + "|" + to, ActID{p.ID, wholePerson}, p.Unit, p.Acts[len(p.Acts)-1].At}}
	return s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := s.keepMarks(ctx, tx, campaignID, marks); err != nil {
			return err
		}
		r := raising{s, tx, campaignID, nil}
		return r.all(ctx, marks)
	})
}

// TakenOut tells whether a participant has done something in a campaign of which an office
// has taken out everything: whoever they are elsewhere is not counted twice by it. An
// attempt that is open was not taken out.
func (s *Service) TakenOut(ctx context.Context, campaignID, participant string) (bool, error) {
	fail := func(err error) (bool, error) {
		return false, fmt.Errorf("look what counts of %s in %s: %w", participant, campaignID, err)
	}
	shards, err := s.Ledger.ShardsIn(ctx, campaignID, participant)
	if err != nil {
		return fail(err)
	}
	if len(shards) == 0 {
		return false, nil
	}
	p, open, err := s.known(ctx, shards[0], participant)
	if err != nil {
		return fail(err)
	}
	return len(p.Acts) > 0 && !p.counts() && open == 0, nil
}

// known reads a participant, and how many of their attempts are open.
func (s *Service) known(ctx context.Context, shard ledger.Shard, participant string) (p *Person, open int, err error) {
	h, err := s.Ledger.History(ctx, shard, participant)
	if err != nil {
		return nil, 0, err
	}
	for i := range h.Facts {
		switch h.Facts[i].Body.(type) {
		case event.Started:
			open++
		case event.Submitted, event.Expired:
			open--
		}
	}
	p, err = PersonOf(&h)
	return p, open, err
}

// counts tells whether any of their acts does.
func (p *Person) counts() bool {
	for i := range p.Acts {
		if !p.Acts[i].Void {
			return true
		}
	}
	return false
}
