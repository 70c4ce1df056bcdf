package redisstore

import (
	"errors"
	"testing"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/redistest"
)

// knows is a ledger that heard of the campaign when it was opened and has read
// so far of every shard.
func (r *rig) knows(facts, personal event.Position) Known {
	r.Helper()
	o, err := r.campaigns.Opened(r.def.ID)
	if err != nil {
		r.Fatal(err)
	}
	return Known{Exists: true, Opened: o, Heads: func(int) (event.Position, event.Position) { return facts, personal }}
}

// ends are those of the streams of the first shard.
func (r *rig) ends() (facts, personal event.Position) {
	r.Helper()
	k := keysOf(r.def.ID, 0)
	facts, errFacts := lastOf(r.db.XInfoStream(r.Context(), k.facts()))
	personal, errPersonal := lastOf(r.db.XInfoStream(r.Context(), k.personal()))
	if errFacts != nil || errPersonal != nil {
		r.Fatal(errFacts, errPersonal)
	}
	return facts, personal
}

// TestOnlyWhatNobodyKnowsIsNew proves invariant 4: a campaign begins once, and an
// empty Redis is no beginning where the ledger knows better.
func TestOnlyWhatNobodyKnowsIsNew(t *testing.T) {
	t.Parallel()
	def := definition(t, "antidrug", 2)
	for name, tc := range map[string]struct {
		known Known
		want  error
	}{
		"nobody knows it":                  {Known{}, nil},
		"the ledger knows it":              {Known{Exists: true, Opened: Opened{Shards: 2, Epoch: 1}}, ErrEmptied},
		"the ledger cannot be asked":       {Known{Unsure: true}, ErrUnsure},
		"the ledger knows it was rebuilt":  {Known{Exists: true, Opened: Opened{Shards: 2, Epoch: 7}}, ErrEmptied},
		"it knows it and cannot be asked.": {Known{Exists: true, Unsure: true}, ErrUnsure},
	} {
		db := redistest.Start(t).Client(t)
		s := newServer(t, db)
		if err := s.campaigns.Open(t.Context(), def, tc.known, noon); !errors.Is(err, tc.want) {
			t.Errorf("%s: Open = %v, want %v", name, err, tc.want)
		}
		if err := s.campaigns.OpenDoors(t.Context(), tc.known); !errors.Is(err, tc.want) {
			t.Errorf("%s: OpenDoors = %v, want %v", name, err, tc.want)
		}
		if n := db.DBSize(t.Context()).Val(); (n == 0) != (tc.want != nil) {
			t.Errorf("%s: %d keys were written", name, n)
		}
		if _, err := s.campaigns.Opened("antidrug"); (err == nil) != (tc.want == nil) {
			t.Errorf("%s: Opened = %v", name, err)
		}
	}
}

// TestThePolicyStays opens campaigns with other policies than they were laid out
// for: sums and best attempts are packed differently, so that it would mix places
// that cannot be compared.
func TestThePolicyStays(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first, then campaign.Policy
		bits        uint
		want        error
	}{
		"best":               {campaign.PolicyBest, campaign.PolicyBest, 18, nil},
		"sums":               {campaign.PolicySum, campaign.PolicySum, 32, nil},
		"sums of days":       {campaign.PolicySumDays, campaign.PolicySumDays, 32, nil},
		"sums after best":    {campaign.PolicyBest, campaign.PolicySum, 18, ErrOtherPolicy},
		"best after sums":    {campaign.PolicySumDays, campaign.PolicyBest, 32, ErrOtherPolicy},
		"nothing after sums": {campaign.PolicySum, "", 32, ErrOtherPolicy},
	} {
		s := newServer(t, redistest.Start(t).Client(t))
		def := definition(t, "antidrug", 1)
		def.Policy = tc.first
		if err := s.campaigns.Open(t.Context(), def, Known{}, noon); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		o, err := s.campaigns.Opened("antidrug")
		if err != nil || o.Bits != tc.bits {
			t.Errorf("%s: laid out with %d bits (%v), want %d", name, o.Bits, err, tc.bits)
		}
		def.Policy = tc.then
		if err := s.campaigns.Open(t.Context(), def, Known{}, noon); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

// TestRedisAgainstTheLedger proves invariant 4: a Redis that is not what the ledger
// has seen of it is recognised before anything is accepted, and left as it is.
func TestRedisAgainstTheLedger(t *testing.T) {
	t.Parallel()
	at := func(epoch, seq uint64) event.Position { return event.Position{Epoch: epoch, Seq: seq} }
	for name, tc := range map[string]struct {
		change func(*rig, *Known)
		want   error
	}{
		"the same":                      {func(*rig, *Known) {}, nil},
		"the ledger lags behind":        {func(_ *rig, k *Known) { k.Heads = headsAt(at(1, 0), event.Position{}) }, nil},
		"the ledger is new":             {func(_ *rig, k *Known) { *k = Known{} }, nil},
		"the ledger cannot be asked":    {func(_ *rig, k *Known) { *k = Known{Unsure: true} }, nil},
		"cursors are of before":         {func(_ *rig, k *Known) { k.Heads = headsAt(at(0, 900), at(0, 900)) }, nil},
		"facts were lost":               {func(_ *rig, k *Known) { k.Heads = headsAt(at(1, 2), at(1, 0)) }, ErrLedgerAhead},
		"personal records were lost":    {func(_ *rig, k *Known) { k.Heads = headsAt(at(1, 1), at(1, 1)) }, ErrLedgerAhead},
		"a stream was deleted":          {func(r *rig, _ *Known) { r.db.Del(r.Context(), keysOf("antidrug", 0).facts()) }, ErrLedgerAhead},
		"cursors are of a later epoch":  {func(_ *rig, k *Known) { k.Heads = headsAt(at(2, 0), at(1, 0)) }, ErrOlder},
		"the ledger was rebuilt from":   {func(_ *rig, k *Known) { k.Epoch = 2 }, ErrOlder},
		"the ledger is an older copy":   {func(r *rig, _ *Known) { r.db.HSet(r.Context(), campaignKey("antidrug"), "epoch", 2) }, ErrNewer},
		"other shards":                  {func(_ *rig, k *Known) { k.Shards = 2 }, ErrOpenedOtherwise},
		"another base":                  {func(_ *rig, k *Known) { k.Base++ }, ErrOpenedOtherwise},
		"another layout":                {func(_ *rig, k *Known) { k.Bits-- }, ErrOpenedOtherwise},
		"it is being rebuilt":           {func(r *rig, _ *Known) { r.db.HSet(r.Context(), campaignKey("antidrug"), "state", "rebuilding") }, ErrRebuilding},
		"a copy from while it opened":   {func(r *rig, _ *Known) { r.db.HSet(r.Context(), campaignKey("antidrug"), "state", "opening") }, ErrOlder},
		"a shard lost its meta":         {func(r *rig, _ *Known) { r.db.Del(r.Context(), keysOf("antidrug", 0).meta()) }, ErrEmptied},
		"a shard is of a later epoch":   {func(r *rig, _ *Known) { r.db.HSet(r.Context(), keysOf("antidrug", 0).meta(), "epoch", 3) }, ErrEpoch},
		"the fold is ahead of the rest": {func(r *rig, k *Known) { r.folded("1-9"); k.Heads = nil }, ErrFoldAhead},
	} {
		r := newRig(t, 1)
		r.enrol("alice", "u1", "public")
		r.start("alice", noon) // facts end at 1-1, personal records at 1-0
		known := r.knows(r.ends())
		tc.change(r, &known)
		s := newServer(t, r.db)
		r.unchanged(name, func() {
			if err := s.campaigns.Open(t.Context(), r.def, known, noon); !errors.Is(err, tc.want) {
				t.Errorf("%s: Open = %v, want %v", name, err, tc.want)
			}
		})
		if tc.want != nil {
			r.refused(name, s, ErrNotOpened)
		}
	}
}

func headsAt(facts, personal event.Position) Heads {
	return func(int) (event.Position, event.Position) { return facts, personal }
}

// folded moves the fold's cursor of the first shard.
func (r *rig) folded(to string) {
	r.Helper()
	if err := r.db.HSet(r.Context(), keysOf(r.def.ID, 0).cursor(), "pos", to).Err(); err != nil {
		r.Fatal(err)
	}
}
