package httpapi

import (
	"context"
	"sync"
	"time"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

// mornings remembers what today has brought each part of a campaign, so that frames can
// tell who rose and who fell since the day began. It is asked for once a minute, beside
// the publisher: nobody waits for it, and every server works out the same.
type mornings struct {
	ask     func(ctx context.Context, campaignID string) (map[string]leaderboard.Window, error)
	timeout time.Duration
	spawn   func(func())

	mu    sync.Mutex
	known map[string]morning
}

// morning is what was learnt of one campaign.
type morning struct {
	asked  time.Time
	asking bool
	day    string // the local day that today is of
	today  map[string]leaderboard.Window
}

// askEvery is how often it is asked for. In between, an act of the last minute counts as
// one of before the day; the next answer mends that.
const askEvery = time.Minute

func newMornings(s *Server) *mornings {
	return &mornings{ask: s.Boards.Today, timeout: s.Timeout, spawn: s.state.feeds.work.Go, known: map[string]morning{}}
}

// of returns what is known of the snapshot's day, nil where nothing is.
func (m *mornings) of(snap *leaderboard.Snapshot) map[string]leaderboard.Window {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.known[snap.Campaign.ID]
	if k.day != snap.Campaign.Day(snap.AsOf) {
		return nil
	}
	return k.today
}

// refresh asks anew where it is time to.
func (m *mornings) refresh(snap *leaderboard.Snapshot) {
	c, at := snap.Campaign, snap.AsOf
	if c.Ranking == campaign.RankNone {
		return // nobody rises there
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.known[c.ID]
	if k.asking || k.day == c.Day(at) && at.Sub(k.asked) < askEvery {
		return
	}
	k.asking, k.asked = true, at
	m.known[c.ID] = k
	m.spawn(func() { m.learn(c, at) })
}

// learn asks, and keeps what was known before where there is no answer.
func (m *mornings) learn(c *campaign.Campaign, at time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), m.timeout)
	defer cancel()
	today, err := m.ask(ctx, c.ID)
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.known[c.ID]
	k.asking = false
	if err == nil {
		k.day, k.today = c.Day(at), today
	}
	m.known[c.ID] = k
}
