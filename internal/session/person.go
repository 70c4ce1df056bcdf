package session

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"

	"qingyuan/internal/wechat"
)

// told is what WeChat told about a person, as it is sealed.
type told struct {
	AppID   string `json:"appid"`
	OpenID  string `json:"openid"`
	UnionID string `json:"unionid,omitempty"`
}

// person returns the participant who stands behind a WeChat identity.
//
// The app's own door leads to somebody from the first time on. Where WeChat
// gives a unionid, that is a second door, and it has the last word: it is bound
// once, to whom the app's door led when it was first seen, and never moves.
// Doors of other apps that led elsewhere are moved to it. So each order of
// arrival ends with one participant, and so does a race, because every step is
// "set unless set, and read back".
func (s *Service) person(ctx context.Context, appid string, who wechat.Identity) (string, error) {
	own := s.keys.entrance("wx:" + appid + ":" + who.OpenID)
	say := told{AppID: appid, OpenID: who.OpenID, UnionID: who.UnionID}
	if who.UnionID == "" {
		d, err := s.enter(ctx, own.hash, own.participant, say)
		if err != nil {
			return "", err
		}
		return d.Participant, s.settle(ctx, own.hash, d, d.Participant, say)
	}
	union := s.keys.entrance("unionid:" + who.UnionID)
	participant := union.participant
	known, err := s.store.Door(ctx, union.hash)
	if err != nil {
		return "", fmt.Errorf("look up the door of a unionid: %w", err)
	}
	if known.Participant != "" {
		participant = known.Participant
	}
	d, err := s.enter(ctx, own.hash, participant, say)
	if err != nil {
		return "", err
	}
	u, err := s.store.ClaimDoor(ctx, union.hash, Door{Participant: d.Participant})
	if err != nil {
		return "", fmt.Errorf("bind the door of a unionid: %w", err)
	}
	return u.Participant, s.settle(ctx, own.hash, d, u.Participant, say)
}

// enter returns the app's door, which leads to participant if it is new.
func (s *Service) enter(ctx context.Context, hash, participant string, say told) (Door, error) {
	sealed, err := s.seal(hash, say)
	if err != nil {
		return Door{}, err
	}
	d, err := s.store.ClaimDoor(ctx, hash, Door{Participant: participant, Sealed: sealed})
	if err != nil {
		return Door{}, fmt.Errorf("open the door of an openid: %w", err)
	}
	return d, nil
}

// settle makes the app's door d lead to participant and say what WeChat said
// last, under the current key. Mostly there is nothing to do.
func (s *Service) settle(ctx context.Context, hash string, d Door, participant string, say told) error {
	was, readable := s.open(hash, d.Sealed)
	if say.UnionID == "" {
		say.UnionID = was.UnionID
	}
	fresh := readable && was == say && s.keys.doors.Current(d.Sealed)
	if fresh && d.Participant == participant {
		return nil
	}
	sealed := d.Sealed
	if !fresh {
		var err error
		if sealed, err = s.seal(hash, say); err != nil {
			return err
		}
	}
	if d.Participant == participant {
		return s.moveDoor(ctx, hash, d.Participant, Door{Participant: participant, Sealed: sealed})
	}
	// Whatever the first id did stays with it: which of it counts is for operators, who
	// must have heard of it. The person is signed in as the second all the same, and told
	// of once more when they come again.
	if s.same != nil {
		if err := s.same(ctx, d.Participant, participant); err != nil {
			s.log.WarnContext(ctx, "two participants are one person, and nobody could be told", "from", d.Participant, "to", participant, "err", err)
			return nil
		}
	}
	s.log.WarnContext(ctx, "two participants are one person, door moved", "from", d.Participant, "to", participant)
	if err := s.moveDoor(ctx, hash, d.Participant, Door{Participant: participant, Sealed: sealed}); err != nil {
		return err
	}
	return s.endAll(ctx, d.Participant)
}

// Visits lists what WeChat calls a participant, who is here now from an address, in the
// apps that they come by. doors are the hashes of those that ever led to them.
func (s *Service) Visits(ctx context.Context, participant string, doors []string, from netip.Addr) ([]wechat.Visit, error) {
	var out []wechat.Visit
	for _, hash := range doors {
		d, err := s.store.Door(ctx, hash)
		if err != nil {
			return nil, fmt.Errorf("look by which doors %s comes: %w", participant, err)
		}
		if d.Participant != participant || d.Sealed == nil {
			continue
		}
		if say, readable := s.open(hash, d.Sealed); readable && say.OpenID != "" {
			out = append(out, wechat.Visit{AppID: say.AppID, OpenID: say.OpenID, Addr: from})
		}
	}
	return out, nil
}

func (s *Service) moveDoor(ctx context.Context, hash, from string, d Door) error {
	if _, err := s.store.LinkDoor(ctx, hash, from, d); err != nil {
		return fmt.Errorf("move a door to %s: %w", d.Participant, err)
	}
	return nil
}

func (s *Service) seal(hash string, say told) ([]byte, error) {
	plain, err := json.Marshal(say)
	if err != nil {
		return nil, fmt.Errorf("seal what WeChat told: %w", err)
	}
	return s.keys.doors.Seal(plain, []byte(hash)), nil
}

// open reports false for what cannot be read, such as after the loss of a key.
// It is then written anew.
func (s *Service) open(hash string, sealed []byte) (told, bool) {
	plain, err := s.keys.doors.Open(sealed, []byte(hash))
	if err != nil {
		return told{}, false
	}
	var was told
	if err := json.Unmarshal(plain, &was); err != nil {
		return told{}, false
	}
	return was, true
}
