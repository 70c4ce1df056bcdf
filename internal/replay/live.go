package replay

import (
	"context"
	"iter"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
)

// Record is what verifying reads of the ledger; *ledger.Ledger is one.
type Record interface {
	Campaign(ctx context.Context, campaign string) (ledger.Opened, bool, error)
	Cursor(ctx context.Context, s ledger.Shard, stream event.Stream) (event.Position, error)
	Positions(ctx context.Context, s ledger.Shard) (int64, error)
	Histories(ctx context.Context, s ledger.Shard, heads ledger.Heads) iter.Seq2[ledger.History, error]
	History(ctx context.Context, s ledger.Shard, participant string) (ledger.History, error)
	// Whose lists whose the next limit facts behind a position are, and the position of the
	// last; nobody where there is none.
	Whose(ctx context.Context, s ledger.Shard, after event.Position, limit int) ([]string, event.Position, error)
	Bank(ctx context.Context, digest string) ([]byte, bool, error)
	DeadLetters(ctx context.Context, limit int) ([]ledger.DeadLetter, error)
}

// cursors returns how far the ledger is in a shard.
func cursors(ctx context.Context, r Record, s ledger.Shard) (ledger.Heads, error) {
	facts, err := r.Cursor(ctx, s, event.Facts)
	if err != nil {
		return ledger.Heads{}, err
	}
	personal, err := r.Cursor(ctx, s, event.Personal)
	return ledger.Heads{Facts: facts, Personal: personal}, err
}

// Streams reads what the ledger does not hold yet.
type Streams interface {
	// Entries returns at most limit entries of a stream that follow the position,
	// in order and without a gap.
	Entries(ctx context.Context, campaign string, shard int, s event.Stream, after event.Position, limit int) ([]event.Entry, error)
}

// Live is the Redis that is compared with the ledger. Every method reads what
// belongs together in one step.
type Live interface {
	// Opening returns the campaign's record, and whether there is one.
	Opening(ctx context.Context, campaign string) (state.Opening, bool, error)
	// Head returns where a shard stands.
	Head(ctx context.Context, campaign string, shard int) (state.Head, error)
	// Names lists what each shard holds. What was there all the time is in it.
	Names(ctx context.Context, campaign string, shards int) ([]state.Names, error)
	// Participants names every participant that a shard holds, some of them twice.
	Participants(ctx context.Context, campaign string, each func(shard int, id string) error) error
	// Totals returns the sums of a shard but for hours and scoped boards, and where
	// the shard stood.
	Totals(ctx context.Context, campaign string, shard int) (state.Sums, state.Head, error)
	// Hours and Boards return the cells of some hours and how many entries some
	// scoped boards have, and how far the fold was.
	Hours(ctx context.Context, campaign string, shard int, hours []int64) (map[leaderboard.BucketCell]int64, event.Position, error)
	Boards(ctx context.Context, campaign string, shard int, scopes []string) (map[string]state.Cards, event.Position, error)
	// Images returns what lies there of participants, and of the boards on which
	// they have a place; participants are read one after the other.
	Images(ctx context.Context, campaign string, shard int, people []state.Person) ([]state.Image, error)
	// Look is Images in one step, with where the shard stood.
	Look(ctx context.Context, campaign string, shard int, people []state.Person) ([]state.Image, state.Head, error)
	// Diff compares a participant with what lies there, in order of the field. While
	// the boards stand still, that has to be by what happened before, and otherwise
	// only where somebody stands by everything is known.
	Diff(p *state.Person, img *state.Image, still bool) ([]state.Mismatch, error)
	// Bank returns the copy of a bank version, packed, and whether there is one.
	Bank(ctx context.Context, digest string) ([]byte, bool, error)
	// Knows tells whether it can be read what stands for the digest of a bank's
	// version or of a text in a campaign's participants.
	Knows(ctx context.Context, campaign, digest string) (bool, error)
	// DoorNames names every door that Redis holds, some of them twice.
	DoorNames(ctx context.Context, each func(shard int, hash string) error) error
	// Doors returns where doors of one shard lead, and where the shard stood. One
	// that is not there leads to nobody.
	Doors(ctx context.Context, shard int, hashes []string) ([]state.Door, state.Head, error)
}

// Rebuildable is what rebuilding reads and changes in the ledger; *ledger.Ledger
// is one.
type Rebuildable interface {
	Record

	RaiseEpoch(ctx context.Context, was ledger.Opened, epoch uint64, c ledger.Condition) (bool, error)
}

// Refiller is the Redis that is rebuilt. What takes a ticket fails once another
// rebuild has marked the campaign.
type Refiller interface {
	Opening(ctx context.Context, campaign string) (state.Opening, bool, error)
	Head(ctx context.Context, campaign string, shard int) (state.Head, error)
	// Mark makes every act in the campaign be refused, in a Redis that may be
	// empty, and gives the campaign to the token.
	Mark(ctx context.Context, o state.Opening, token string) error
	// KeepAnswers sets aside what is kept in the open attempts of a shard, where
	// that is not done yet, and returns in how many it found something.
	KeepAnswers(ctx context.Context, t state.Ticket, shard int) (int, error)
	// Clear takes everything away but the marks and the answers set aside.
	Clear(ctx context.Context, t state.Ticket) error
	// People and Doors write participants and doors, Sums the sums of a shard but
	// for what stands on boards, and Ends where its streams go on and the fold is.
	// They may be repeated.
	People(ctx context.Context, t state.Ticket, shard int, people []state.Person) error
	Doors(ctx context.Context, t state.Ticket, shard int, doors []state.Door) error
	Sums(ctx context.Context, t state.Ticket, shard int, s *state.Sums) error
	Ends(ctx context.Context, t state.Ticket, shard int, ends state.Ends) error
	PutBank(ctx context.Context, digest string, packed []byte) error
	// OpenShard and OpenCampaign end it: acts are accepted in the new epoch.
	OpenShard(ctx context.Context, t state.Ticket, shard int, epoch uint64) error
	OpenCampaign(ctx context.Context, t state.Ticket, epoch uint64) error
}
