package session

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"qingyuan/internal/token"
)

// maxRefresh is the most bytes of a refresh token that are looked at.
const maxRefresh = 256

// Why a refresh token is refused before the store is asked.
var (
	errRefreshShape = token.ErrInvalid.Because(errors.New("refresh token: not of our making"))
	errRefreshMAC   = token.ErrInvalid.Because(errors.New("refresh token: MAC does not match"))
	errRefreshGone  = token.ErrInvalid.Because(errors.New("refresh token: session unknown or ended"))
)

// A refresh token is participant.family.generation.kid.MAC. It is made anew
// from what the store knows whenever it is needed, so that nothing secret is
// stored and a lost reply can be given again, byte for byte.
func (k Keys) writeRefresh(id ID, generation uint64) string {
	text := id.Participant + "." + id.Family + "." + strconv.FormatUint(generation, 10) + "." + k.refresh.Current
	return text + "." + refreshMAC(k.refresh.Secrets[k.refresh.Current], text)
}

// readRefresh is the inverse of writeRefresh under any of the keys. The MAC is
// checked before anything in front of it is believed.
func (k Keys) readRefresh(raw string) (ID, uint64, error) {
	parts := strings.SplitN(raw, ".", 6)
	if len(raw) > maxRefresh || len(parts) != 5 {
		return ID{}, 0, errRefreshShape
	}
	secret, ok := k.refresh.Secrets[parts[3]]
	if !ok {
		return ID{}, 0, errRefreshShape
	}
	text := raw[:len(raw)-len(parts[4])-1]
	if !hmac.Equal([]byte(refreshMAC(secret, text)), []byte(parts[4])) {
		return ID{}, 0, errRefreshMAC
	}
	generation, err := strconv.ParseUint(parts[2], 10, 53)
	if err != nil || generation == 0 {
		return ID{}, 0, errRefreshShape
	}
	return ID{Participant: parts[0], Family: parts[1]}, generation, nil
}

func refreshMAC(secret []byte, text string) string {
	return base64.RawURLEncoding.EncodeToString(mac(secret, text))
}

// Refresh exchanges a refresh token for a new pair. The same token within a
// minute gives the same successor, so that a lost reply does no harm; later it
// ends the session with ErrReused. token.ErrMissing, ErrInvalid and ErrExpired
// say what else is wrong with it.
func (s *Service) Refresh(ctx context.Context, refreshToken string) (Pair, error) {
	if refreshToken == "" {
		return Pair{}, token.ErrMissing
	}
	id, generation, err := s.keys.readRefresh(refreshToken)
	if err != nil {
		return Pair{}, err
	}
	t, err := s.store.Refresh(ctx, Turn{
		ID: id, Generation: generation, Now: s.now(),
		Grace: grace, Idle: s.idle, Longest: s.longest,
	})
	if err != nil {
		return Pair{}, fmt.Errorf("refresh session of %s: %w", id.Participant, err)
	}
	switch t.Outcome {
	case Advanced:
		return s.pair(id, t.Generation)
	case Reused:
		return Pair{}, s.reused(ctx, id)
	case Expired:
		return Pair{}, token.ErrExpired
	case Unknown:
	}
	return Pair{}, errRefreshGone
}

// reused tells every instance that the family has ended. The store has ended it
// already, so that a failure here is made good by the next use of any copy.
func (s *Service) reused(ctx context.Context, id ID) error {
	s.log.WarnContext(ctx, "refresh token reused, session ended", "participant", id.Participant, "family", id.Family)
	if err := s.Revoke(ctx, id.Participant, id.Family); err != nil {
		return err
	}
	return ErrReused
}
