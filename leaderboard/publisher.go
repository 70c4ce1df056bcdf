package leaderboard

import (
	"context"
	"sync"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

// Publisher keeps the newest snapshot of every campaign and refreshes them on a
// ticker. Reads take the snapshot and never touch Redis.
type Publisher struct {
	Store     Store
	Campaigns func() []*campaign.Campaign
	Now       func() time.Time
	// Every is the time between two snapshots; a second when zero.
	Every time.Duration
	// Published is called with each new snapshot; it must not block.
	Published func(*Snapshot)
	// Failed is told of a snapshot that could not be made; the old one stays.
	Failed func(campaign string, err error)

	mu       sync.RWMutex
	current  map[string]*Snapshot
	builders map[string]*Builder
}

// Snapshot returns the newest snapshot of a campaign. Until the first is made
// the answer is fault.ErrUnavailable.
func (p *Publisher) Snapshot(id string) (*Snapshot, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if s, ok := p.current[id]; ok {
		return s, nil
	}
	return nil, fault.ErrUnavailable.Because(errNoSnapshot)
}

// Run refreshes until ctx ends.
func (p *Publisher) Run(ctx context.Context) {
	every := p.Every
	if every == 0 {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		p.Refresh(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Refresh makes one snapshot of every campaign. It is not safe to be called
// beside Run or itself.
func (p *Publisher) Refresh(ctx context.Context) {
	for _, c := range p.Campaigns() {
		s, err := p.builder(c).Build(ctx, p.Now())
		if err != nil {
			if ctx.Err() == nil {
				p.Failed(c.ID, err)
			}
			continue
		}
		p.mu.Lock()
		if p.current == nil {
			p.current = map[string]*Snapshot{}
		}
		p.current[c.ID] = s
		p.mu.Unlock()
		p.Published(s)
	}
}

// builder returns the builder of a campaign, a new one when its definition has
// changed.
func (p *Publisher) builder(c *campaign.Campaign) *Builder {
	if p.builders == nil {
		p.builders = map[string]*Builder{}
	}
	b, ok := p.builders[c.ID]
	if !ok || b.Campaign != c {
		b = &Builder{Store: p.Store, Campaign: c}
		p.builders[c.ID] = b
	}
	return b
}
