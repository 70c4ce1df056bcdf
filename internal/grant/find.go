package grant

import (
	"context"
	"iter"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/quiz"
)

// sitting is what the ledger tells of an attempt.
type sitting struct {
	started, deadline time.Time
	how               How // "" where the participant handed it in
	ended             time.Time
}

// Hit returns the newest attempt of a history that was hit in [from, to): one that was
// not handed in by its participant, and either ended then or has run since before to.
func Hit(h *ledger.History, c campaign.Clocks, from, to time.Time) (Item, bool) {
	sittings := map[int]*sitting{}
	it := Item{}
	for i := range h.Facts {
		f := &h.Facts[i]
		it.Unit = f.Unit
		note(sittings, f)
	}
	for number, s := range sittings {
		if number > it.Number && s.hit(c, from, to) {
			it.Act, it.How, it.At = act.Act{Participant: h.Participant, Number: number}, s.how, s.ended
			if s.how == Open {
				it.At = s.started
			}
		}
	}
	return it, it.Number > 0
}

func note(sittings map[int]*sitting, f *event.Fact) {
	switch body := f.Body.(type) {
	case event.Started:
		sittings[body.Number] = &sitting{started: f.At, deadline: time.UnixMilli(body.Deadline), how: Open}
	case event.Submitted:
		end(sittings[body.Number], body.ClosedBy == string(quiz.ByDeadline), Deadline, f.At)
	case event.Expired:
		end(sittings[body.Number], true, Expired, f.At)
	}
}

// end closes a sitting. One that its participant handed in is nobody's concern.
func end(s *sitting, byDeadline bool, how How, at time.Time) {
	if s == nil {
		return
	}
	s.how, s.ended = "", at
	if byDeadline {
		s.how = how
	}
}

func (s *sitting) hit(c campaign.Clocks, from, to time.Time) bool {
	switch s.how {
	case Open:
		return s.started.Before(to) && !c.Deadline(s.started, s.deadline, to).Before(from)
	case Expired, Deadline:
		return !s.ended.Before(from) && s.ended.Before(to)
	default:
		return false
	}
}

// histories yields what the ledger holds now of everybody in a campaign.
func (s *Service) histories(ctx context.Context, id string) iter.Seq2[ledger.History, error] {
	return func(yield func(ledger.History, error) bool) {
		opened, known, err := s.Ledger.Campaign(ctx, id)
		if err == nil && !known {
			err = campaign.ErrNotFound
		}
		heads, failed := s.Ledger.Cursors(ctx)
		if err == nil {
			err = failed
		}
		if err != nil {
			yield(ledger.History{}, err)
			return
		}
		for n := range opened.Shards {
			shard := ledger.Shard{Campaign: id, Number: n}
			for h, err := range s.Ledger.Histories(ctx, shard, heads[shard]) {
				if !yield(h, err) || err != nil {
					return
				}
			}
		}
	}
}
