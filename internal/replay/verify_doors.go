package replay

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/replay/state"
)

// Doors compares who stands behind each way of signing in, as Campaign compares
// a campaign.
func (v *Verifier) Doors(ctx context.Context) (Report, error) {
	began := v.Now()
	x := &verification{Verifier: v, banks: newBanks(v.Ledger, v.Live)}
	x.report.Campaign, x.found = ledger.DoorsCampaign, v.Found
	err := x.doors(ctx)
	x.report.Duration = v.Now().Sub(began)
	if err != nil {
		err = fmt.Errorf("verify the doors: %w", err)
	}
	return x.report, err
}

func (x *verification) doors(ctx context.Context) error {
	o, err := x.opened(ctx, ledger.DoorsCampaign)
	if err != nil {
		return err
	}
	x.report.Shards = o.Shards
	if err := x.deadLetters(ctx); err != nil {
		return err
	}
	if _, err := x.begin(ctx, &o); err != nil {
		return err
	}
	names, err := x.Live.Names(ctx, o.Campaign, o.Shards)
	if err != nil {
		return err
	}
	checks := make([]*doorCheck, o.Shards)
	for n := range checks {
		s := &shardCheck{verification: x, Shard: ledger.Shard{Campaign: o.Campaign, Number: n}}
		s.unknownKeys(&names[n])
		checks[n] = &doorCheck{shardCheck: s, suspects: map[string]bool{}}
		if err := checks[n].first(ctx); err != nil {
			return fmt.Errorf("shard %d: %w", n, err)
		}
	}
	err = x.Live.DoorNames(ctx, func(shard int, hash string) error {
		if shard < len(checks) && !x.known.has(shard, hash) {
			checks[shard].suspects[hash] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	for n, c := range checks {
		if err := c.again(ctx); err != nil {
			return fmt.Errorf("shard %d: %w", n, err)
		}
	}
	return x.still(ctx, &o)
}

// doorCheck compares the doors of one shard. A door may have been moved from one
// participant to another, so that one history alone does not tell where it leads.
// Those that seem to differ are few: for them all histories are read once more.
type doorCheck struct {
	*shardCheck

	suspects map[string]bool // by hash
}

// first looks at every door once.
func (c *doorCheck) first(ctx context.Context) error {
	if _, err := c.ending(ctx); err != nil {
		return err
	}
	return inBatches(c.Ledger.Histories(ctx, c.Shard, c.heads), livesAtOnce, func(batch []ledger.History) error {
		var want []placedDoor
		var facts int64
		for i := range batch {
			want = append(want, doorsIn(&batch[i])...)
			facts += int64(len(batch[i].Facts))
		}
		c.count(func(r *Report) {
			r.Facts, r.Participants, r.Doors = r.Facts+facts, r.Participants+int64(len(batch)), r.Doors+int64(len(want))
			c.done.add(facts)
		})
		return c.pace().work(ctx, func() error { return c.suspect(ctx, want) })
	})
}

// suspect remembers the doors that do not lead where a history says.
func (c *doorCheck) suspect(ctx context.Context, want []placedDoor) error {
	hashes := make([]string, len(want))
	for i := range want {
		hashes[i] = want[i].Hash
		c.known.add(c.Number, want[i].Hash)
	}
	got, _, err := c.Live.Doors(ctx, c.Number, hashes)
	if err != nil {
		return err
	}
	for i := range want {
		if !sameDoor(&want[i].Door, &got[i]) {
			c.suspects[want[i].Hash] = true
		}
	}
	return nil
}

// sameDoor compares where doors lead, and whether anything is sealed: the same
// thing sealed again looks different.
func sameDoor(a, b *state.Door) bool {
	return a.Participant == b.Participant && (len(a.Sealed) > 0) == (len(b.Sealed) > 0)
}

// again decides about the suspects.
func (c *doorCheck) again(ctx context.Context) error {
	c.count(func(r *Report) { r.Rechecked += int64(len(c.suspects)) })
	for round := 1; len(c.suspects) > 0 && round <= rounds; round++ { // as with participants
		if err := c.look(ctx, round == rounds); err != nil {
			return err
		}
	}
	return nil
}

// look compares the suspects with where they led when the streams ended where Redis was
// read, and drops those that lead there.
func (c *doorCheck) look(ctx context.Context, tell bool) error {
	var got []state.Door
	var last state.Ends
	read := make(map[string]event.Position, len(c.suspects)) // where the facts ended when a door was
	for hashes := range slices.Chunk(slices.Sorted(maps.Keys(c.suspects)), livesAtOnce) {
		some, head, err := c.Live.Doors(ctx, c.Number, hashes)
		if err != nil {
			return err
		}
		for _, hash := range hashes {
			read[hash] = head.Facts
		}
		got, last = append(got, some...), head.Ends
	}
	var err error
	if c.heads, err = c.await(ctx, last); err != nil {
		return err
	}
	want, err := c.lead(ctx, read)
	if err != nil {
		return err
	}
	for i := range got {
		w := want[got[i].Hash]
		switch {
		case sameDoor(&w.Door, &got[i]):
			delete(c.suspects, got[i].Hash)
		case tell:
			c.door(&w.Door, &got[i])
		}
	}
	return nil
}

// lead works out where some doors led, each up to a position.
func (c *doorCheck) lead(ctx context.Context, upTo map[string]event.Position) (map[string]placedDoor, error) {
	newest := make(map[string]placedDoor, len(upTo))
	counts := func(hash string, at event.Position) bool {
		end, asked := upTo[hash]
		return asked && arrived(end, at)
	}
	for h, err := range c.Ledger.Histories(ctx, c.Shard, c.heads) {
		if err != nil {
			return nil, err
		}
		for _, d := range doorsOf(&h, counts) {
			if was, known := newest[d.Hash]; !known || d.at.Compare(was.at) > 0 {
				newest[d.Hash] = d
			}
		}
	}
	return newest, nil
}

func (c *doorCheck) door(want, got *state.Door) {
	d := Difference{Shard: c.Number, Cell: "door " + got.Hash, Field: "participant", Want: cmp.Or(want.Participant, "none"), Got: cmp.Or(got.Participant, "none")}
	if want.Participant == got.Participant {
		d.Field, d.Want, d.Got = "sealed", someOrNone(want.Sealed), someOrNone(got.Sealed)
	}
	c.differ(d)
}

func someOrNone(b []byte) string {
	if len(b) == 0 {
		return "none"
	}
	return "some"
}
