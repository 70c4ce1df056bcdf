package session

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"qingyuan/internal/fault"
)

// RosterEntry names a person on the roster of a unit. That somebody is that person was
// established by whoever keeps the rosters.
type RosterEntry struct{ Campaign, Unit, Number string }

// door names the entry's way of signing in. A campaign's units are its own, so the
// campaign belongs to it; the parts cannot run into each other, because ids of
// campaigns and units hold no bar.
func (r RosterEntry) door() string { return "roster:" + r.Campaign + "|" + r.Unit + "|" + r.Number }

// Involvement tells what participants have done so far, so that one person's two doors
// are joined without anything being lost or counted twice.
type Involvement interface {
	// Acted tells whether a participant has started an attempt or signed in the
	// campaign, and ActedAnywhere whether in any.
	Acted(ctx context.Context, campaignID, participant string) (bool, error)
	ActedAnywhere(ctx context.Context, participant string) (bool, error)
	// DoorsOf lists the hashes of the doors that ever led to the participant. It may
	// miss those of the last second.
	DoorsOf(ctx context.Context, participant string) ([]string, error)
	// GoesOnAs is told that the doors of a participant are about to lead to another one,
	// so that the person is counted once wherever both have enrolled.
	GoesOnAs(ctx context.Context, from, to string) error
}

// ErrLinkConflict is one person who has taken part by both ways before they were
// joined. What counts is for an operator to decide; once they have taken out what was done
// by the roster, the two can be joined.
var ErrLinkConflict = fault.New(fault.Conflict, "session.link_conflict", "您已分别用两种方式参加过活动，请联系活动主办单位处理")

// SignInRoster signs in a person of a roster.
func (s *Service) SignInRoster(ctx context.Context, r RosterEntry) (Pair, error) {
	e := s.keys.entrance(r.door())
	d, err := s.store.ClaimDoor(ctx, e.hash, Door{Participant: e.participant})
	if err != nil {
		return Pair{}, fmt.Errorf("sign in by a roster of %s: %w", r.Campaign, err)
	}
	return s.begin(ctx, ID{Participant: d.Participant, Family: rand.Text()})
}

// AtRoster returns the participant to whom the roster's door leads, "" where nobody has
// come by it yet.
func (s *Service) AtRoster(ctx context.Context, r RosterEntry) (string, error) {
	d, err := s.store.Door(ctx, s.keys.entrance(r.door()).hash)
	if err != nil {
		return "", fmt.Errorf("look who came by a roster of %s: %w", r.Campaign, err)
	}
	return d.Participant, nil
}

// AtDoor returns the participant to whom a door leads, by the door's hash; "" where
// nobody has come by it yet.
func (s *Service) AtDoor(ctx context.Context, hash string) (string, error) {
	d, err := s.store.Door(ctx, hash)
	if err != nil {
		return "", fmt.Errorf("look who came by a door: %w", err)
	}
	return d.Participant, nil
}

// RosterDoor is the hash of the door that a roster's entry comes by.
func (s *Service) RosterDoor(r RosterEntry) string { return s.keys.RosterDoor(r) }

// RosterDoor is the hash of the door that a roster's entry comes by.
func (k Keys) RosterDoor(r RosterEntry) string { return k.entrance(r.door()).hash }

// Link joins the way of a roster to the participant who is signed in, and returns a
// session of whoever both lead to from now on. It may be repeated.
//
// Where nobody has come by the roster yet, or has come and done nothing, the roster's
// door leads to the participant. Where they have taken part by the roster and nowhere
// else, the doors of the participant lead there. Where they have taken part by both,
// nothing is changed: ErrLinkConflict.
func (s *Service) Link(ctx context.Context, participant string, r RosterEntry, in Involvement) (Pair, error) {
	to, err := s.link(ctx, participant, s.keys.entrance(r.door()).hash, r.Campaign, in)
	if err != nil {
		return Pair{}, fmt.Errorf("link a roster of %s to %s: %w", r.Campaign, participant, err)
	}
	return s.begin(ctx, ID{Participant: to, Family: rand.Text()})
}

func (s *Service) link(ctx context.Context, participant, hash, campaignID string, in Involvement) (string, error) {
	d, err := s.store.ClaimDoor(ctx, hash, Door{Participant: participant})
	if err != nil || d.Participant == participant {
		return participant, err
	}
	other := d.Participant
	acted, err := in.Acted(ctx, campaignID, other)
	if err != nil {
		return "", err
	}
	if !acted {
		return participant, s.move(ctx, []string{hash}, other, participant, in)
	}
	if acted, err = in.ActedAnywhere(ctx, participant); err != nil {
		return "", err
	}
	if acted {
		return "", ErrLinkConflict
	}
	doors, err := s.doorsOf(ctx, participant, in)
	if err != nil {
		return "", err
	}
	return other, s.move(ctx, doors, participant, other, in)
}

// move lets doors of one participant lead to another, and ends the sessions of the
// first: whoever has them would go on as somebody who is not there any more. Nothing is
// moved before it is noted that both are one person.
func (s *Service) move(ctx context.Context, doors []string, from, to string, in Involvement) error {
	if err := in.GoesOnAs(ctx, from, to); err != nil {
		return err
	}
	for _, hash := range doors {
		if err := s.moveDoor(ctx, hash, from, Door{Participant: to}); err != nil {
			return err
		}
	}
	return s.endAll(ctx, from)
}

// endAll ends the sessions of somebody who is not there any more.
func (s *Service) endAll(ctx context.Context, from string) error {
	now := s.now()
	if _, err := s.store.EndAll(ctx, from, now, now.Add(s.tokens.AccessLifetime())); err != nil {
		return fmt.Errorf("end the sessions of %s: %w", from, err)
	}
	return nil
}

// doorsPatience is how long the doors of somebody who has just come are waited for.
const doorsPatience = 2 * time.Second

// doorsOf asks until there is a door: everybody has come by one.
func (s *Service) doorsOf(ctx context.Context, participant string, in Involvement) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, doorsPatience)
	defer cancel()
	again := time.NewTicker(doorsPatience / 20)
	defer again.Stop()
	for {
		doors, err := in.DoorsOf(ctx, participant)
		if err != nil {
			return nil, err
		}
		slices.Sort(doors)
		if doors = slices.Compact(doors); len(doors) > 0 {
			return doors, nil
		}
		select {
		case <-ctx.Done():
			return nil, fault.ErrUnavailable.Because(fmt.Errorf("find the doors of %s: %w", participant, ctx.Err()))
		case <-again.C:
		}
	}
}
