package quiz

import (
	"hash/maphash"
	"slices"
	"sync/atomic"

	"qingyuan/campaign"
)

// hints remembers of which group people were when this server last read it, so that
// their next paper can be drawn before the store is asked. It may forget and it may
// be wrong: the store takes no paper that was drawn for another group. Half a
// megabyte holds 65,536 people, each in the place that their hash says.
type hints struct {
	seed  maphash.Seed
	slots [hintSlots]atomic.Uint64
}

const (
	hintSlots = 1 << 16
	// hintBits are those of a slot that hold a group's place, counted from 1; the
	// others say whose it is.
	hintBits   = 8
	mostGroups = 1<<hintBits - 1
)

func newHints() *hints { return &hints{seed: maphash.MakeSeed()} }

// of returns somebody's slot and how an entry of theirs begins.
func (h *hints) of(p Person) (slot *atomic.Uint64, whose uint64) {
	sum := maphash.Comparable(h.seed, p)
	return &h.slots[sum%hintSlots], sum >> hintBits
}

// guess returns the group that somebody is most likely of: the one they were of
// before, else the campaign's first, which is that of everybody; "" where it has none.
func (p *Pools) guess(of Person, c *campaign.Campaign) string {
	if len(c.Groups) == 0 {
		return ""
	}
	if p != nil {
		slot, whose := p.hints.of(of)
		entry := slot.Load()
		if n := entry & mostGroups; entry>>hintBits == whose && n >= 1 && n <= uint64(len(c.Groups)) {
			return c.Groups[n-1].ID
		}
	}
	return c.Groups[0].ID
}

// learn remembers somebody's group. That of most is the campaign's first, which is
// guessed anyway and takes nobody's place.
func (p *Pools) learn(of Person, c *campaign.Campaign, group string) {
	n := slices.IndexFunc(c.Groups, func(g campaign.Group) bool { return g.ID == group })
	if p == nil || n < 0 || n >= mostGroups {
		return
	}
	slot, whose := p.hints.of(of)
	if n > 0 || slot.Load()>>hintBits == whose {
		slot.Store(whose<<hintBits | uint64(n+1))
	}
}
