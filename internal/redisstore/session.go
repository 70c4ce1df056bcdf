package redisstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/session"
)

// keepEnded is how long a session's record outlives its end, so that its token
// is told to have expired, and not to be unknown.
const keepEnded = 24 * time.Hour

var (
	codeClaim     = script("session_code_claim")
	codeKeep      = script("session_code_keep")
	codeDrop      = script("session_code_drop")
	familyBegin   = script("session_begin")
	familyRefresh = script("session_refresh")
	familyEnd     = script("session_end")
	familyRevoke  = script("session_revoke")
)

// Sessions keeps codes, doors and sessions in Redis: session.Store.
type Sessions struct {
	campaigns *Campaigns
	now       func() time.Time
}

var _ session.Store = (*Sessions)(nil)

// NewSessions returns the store. Nobody signs in before c has opened the doors.
// now is our clock, by which facts are dated.
func NewSessions(c *Campaigns, now func() time.Time) *Sessions {
	return &Sessions{campaigns: c, now: now}
}

// ClaimCode implements session.CodeStore.
func (s *Sessions) ClaimCode(ctx context.Context, hash, owner string, hold time.Duration) (session.CodeClaim, error) {
	r, err := run(ctx, s.campaigns.writes, codeClaim, []string{codeKey(hash)}, owner, hold.Milliseconds())
	if err != nil {
		return session.CodeClaim{}, fmt.Errorf("claim code %s: %w", hash, err)
	}
	switch {
	case r.outcome == "mine":
		return session.CodeClaim{Mine: true}, nil
	case r.outcome == "held":
		return session.CodeClaim{}, nil
	case r.outcome == "done" && len(r.args) == 2:
		return session.CodeClaim{Result: session.ID{Participant: r.args[0], Family: r.args[1]}}, nil
	default:
		return session.CodeClaim{}, fmt.Errorf("claim code %s: unknown outcome %q", hash, r.outcome)
	}
}

// KeepCode implements session.CodeStore.
func (s *Sessions) KeepCode(ctx context.Context, hash string, id session.ID, keep time.Duration) (session.ID, error) {
	r, err := run(ctx, s.campaigns.writes, codeKeep, []string{codeKey(hash)}, id.Participant, id.Family, keep.Milliseconds())
	if err != nil {
		return session.ID{}, fmt.Errorf("keep code %s: %w", hash, err)
	}
	if len(r.args) != 2 {
		return session.ID{}, fmt.Errorf("keep code %s: unknown outcome %q", hash, r.outcome)
	}
	return session.ID{Participant: r.args[0], Family: r.args[1]}, nil
}

// DropCode implements session.CodeStore.
func (s *Sessions) DropCode(ctx context.Context, hash, owner string) error {
	if _, err := run(ctx, s.campaigns.writes, codeDrop, []string{codeKey(hash)}, owner); err != nil {
		return fmt.Errorf("drop code %s: %w", hash, err)
	}
	return nil
}

// Begin implements session.FamilyStore.
func (s *Sessions) Begin(ctx context.Context, id session.ID, now, ends time.Time) (uint64, error) {
	r, err := run(ctx, s.campaigns.writes, familyBegin, []string{sessionKey(id.Participant, id.Family)},
		now.UnixMilli(), ends.UnixMilli(), keepEnded.Milliseconds())
	if err != nil {
		return 0, fmt.Errorf("begin family %s: %w", id.Family, err)
	}
	if r.outcome == "ended" {
		return 0, nil
	}
	return generation(r, "begin family "+id.Family)
}

// Refresh implements session.FamilyStore.
func (s *Sessions) Refresh(ctx context.Context, t session.Turn) (session.Turned, error) {
	r, err := run(ctx, s.campaigns.writes, familyRefresh, []string{sessionKey(t.ID.Participant, t.ID.Family)},
		t.Generation, t.Now.UnixMilli(), t.Grace.Milliseconds(),
		t.Idle.Milliseconds(), t.Longest.Milliseconds(), keepEnded.Milliseconds())
	if err != nil {
		return session.Turned{}, fmt.Errorf("refresh family %s: %w", t.ID.Family, err)
	}
	switch r.outcome {
	case "reused":
		return session.Turned{Outcome: session.Reused}, nil
	case "expired":
		return session.Turned{Outcome: session.Expired}, nil
	case "unknown":
		return session.Turned{Outcome: session.Unknown}, nil
	}
	n, err := generation(r, "refresh family "+t.ID.Family)
	if err != nil {
		return session.Turned{}, err
	}
	return session.Turned{Outcome: session.Advanced, Generation: n}, nil
}

func generation(r reply, attempt string) (uint64, error) {
	if r.outcome != "ok" || len(r.args) != 1 {
		return 0, fmt.Errorf("%s: unknown outcome %q", attempt, r.outcome)
	}
	n, err := strconv.ParseUint(r.args[0], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: generation: %w", attempt, err)
	}
	return n, nil
}

// End implements session.FamilyStore. The family lies on another node than the
// list of ended ones, so these are two steps. The list comes first: if the
// second step fails, the access tokens are refused already, and the caller
// repeats the whole.
func (s *Sessions) End(ctx context.Context, id session.ID, now, until time.Time) error {
	_, err := run(ctx, s.campaigns.writes, familyRevoke, []string{revokedKey()}, id.Family, until.UnixMilli(), now.UnixMilli())
	if err != nil {
		return fmt.Errorf("publish the end of family %s: %w", id.Family, err)
	}
	if _, err := run(ctx, s.campaigns.writes, familyEnd, []string{sessionKey(id.Participant, id.Family)}); err != nil {
		return fmt.Errorf("end family %s: %w", id.Family, err)
	}
	return nil
}

// Ended implements session.FamilyStore.
func (s *Sessions) Ended(ctx context.Context, since time.Time) ([]session.Ended, error) {
	rows, err := s.campaigns.db.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{
		Key: revokedKey(), ByScore: true, Start: since.UnixMilli(), Stop: "+inf",
	}).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("list ended families: %w", outage(err))
	}
	ended := make([]session.Ended, 0, len(rows))
	for _, row := range rows {
		family, ok := row.Member.(string)
		if !ok {
			return nil, fmt.Errorf("list ended families: a member is %T", row.Member)
		}
		ended = append(ended, session.Ended{Family: family, Until: time.UnixMilli(int64(row.Score))})
	}
	return ended, nil
}

// scanner is a server that lists its keys.
type scanner interface {
	Scan(ctx context.Context, cursor uint64, match string, count int64) *redis.ScanCmd
}

// families finds the sessions of a participant, ended or not. They all lie on one
// server, which looks at every key that it has.
func (s *Sessions) families(ctx context.Context, participant string) ([]session.ID, error) {
	var node scanner = s.campaigns.db
	if cluster, ok := s.campaigns.db.(*redis.ClusterClient); ok {
		var err error
		if node, err = cluster.MasterForKey(ctx, sessionKey(participant, "")); err != nil {
			return nil, outage(err)
		}
	}
	seen := map[session.ID]bool{} // a key may be listed twice
	for cursor, first := uint64(0), true; first || cursor != 0; first = false {
		keys, next, err := node.Scan(ctx, cursor, sessionPattern(participant), scanAtOnce).Result()
		if err != nil {
			return nil, outage(err)
		}
		cursor = next
		for _, key := range keys {
			if family, ok := familyOf(participant, key); ok {
				seen[session.ID{Participant: participant, Family: family}] = true
			}
		}
	}
	return slices.Collect(maps.Keys(seen)), nil
}

// EndAll ends every session of a participant, as End does with one, and returns
// how many there were, those included that had ended before. It looks at every
// key of a server, and may miss a session that begins meanwhile.
func (s *Sessions) EndAll(ctx context.Context, participant string, now, until time.Time) (int, error) {
	all, err := s.families(ctx, participant)
	if err != nil {
		return 0, fmt.Errorf("sessions of %s: %w", participant, err)
	}
	for i, id := range all {
		if err := s.End(ctx, id, now, until); err != nil {
			return i, err
		}
	}
	return len(all), nil
}
