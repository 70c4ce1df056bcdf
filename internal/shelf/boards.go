package shelf

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
	"qingyuan/leaderboard"
)

// Boards are those of Redis, and of the shelf for campaigns that lie there.
type Boards struct {
	leaderboard.Store

	Shelf *Shelf
}

var _ leaderboard.Store = Boards{}

// Layout implements leaderboard.Store.
func (b Boards) Layout(ctx context.Context, id string) (leaderboard.Layout, error) {
	if k := b.Shelf.find(id); k != nil {
		return k.layout, nil
	}
	return b.Store.Layout(ctx, id)
}

// Shards implements leaderboard.Store.
func (b Boards) Shards(ctx context.Context, id string) (int, error) {
	if k := b.Shelf.find(id); k != nil {
		return k.opened.Shards, nil
	}
	return b.Store.Shards(ctx, id)
}

// Cursor implements leaderboard.Store: the shelf has no fold.
func (b Boards) Cursor(ctx context.Context, id string, shard int) (event.Position, error) {
	if b.Shelf.Has(id) {
		return event.Position{}, ErrArchived
	}
	return b.Store.Cursor(ctx, id, shard)
}

// Apply implements leaderboard.Store.
func (b Boards) Apply(ctx context.Context, id string, shard int, batch leaderboard.Batch) (bool, error) {
	if b.Shelf.Has(id) {
		return false, ErrArchived
	}
	return b.Store.Apply(ctx, id, shard, batch)
}

// Tallies implements leaderboard.Store.
func (b Boards) Tallies(ctx context.Context, id string) (leaderboard.Tallies, error) {
	k := b.Shelf.find(id)
	if k == nil {
		return b.Store.Tallies(ctx, id)
	}
	return leaderboard.Tallies{
		Public: k.figures.Public.figures(), Late: k.figures.Late.figures(),
		Minutes: map[leaderboard.BucketCell]int64{}, Recent: slices.Clone(k.figures.Recent),
	}, nil
}

// Hours implements leaderboard.Store.
func (b Boards) Hours(ctx context.Context, id string, first, last int64) (map[leaderboard.BucketCell]int64, error) {
	k := b.Shelf.find(id)
	if k == nil {
		return b.Store.Hours(ctx, id, first, last)
	}
	out := map[leaderboard.BucketCell]int64{}
	for _, c := range k.figures.Hours {
		if c.Bucket >= first && c.Bucket <= last {
			out[leaderboard.BucketCell{Bucket: c.Bucket, Cell: leaderboard.Cell{Unit: c.Unit, Metric: c.Metric}}] = c.N
		}
	}
	return out, nil
}

// column is where the places of a view stand. Where nothing is late the public's are
// those by everything, which have an index.
func (k *kept) column(v leaderboard.View) string {
	if v == leaderboard.Frozen && len(k.figures.Late.Cells)+len(k.figures.Late.Scores) > 0 {
		return "base"
	}
	return "now"
}

// onBoard is the condition of a place on a board, whose first two arguments are campaign
// and scope.
func onBoard(column string, v leaderboard.View) string {
	where := " FROM shelf_places WHERE campaign = $1 AND scope = $2 AND " + column + " IS NOT NULL"
	if v != leaderboard.Everybody {
		where += " AND hidden = 0"
	}
	return where
}

// Top implements leaderboard.Store.
func (b Boards) Top(ctx context.Context, id, scope string, v leaderboard.View, offset, limit int64) ([]leaderboard.Entry, int64, error) {
	k := b.Shelf.find(id)
	if k == nil {
		return b.Store.Top(ctx, id, scope, v, offset, limit)
	}
	on, err := b.count(ctx, board{k, v, id, scope}, "")
	if err != nil {
		return nil, 0, err
	}
	col := k.column(v)
	entries, err := b.entries(ctx, "SELECT participant, "+col+onBoard(col, v)+" ORDER BY "+col+" DESC, participant DESC LIMIT $3 OFFSET $4",
		id, scope, limit, offset)
	return entries, on, err
}

// board is one board of a campaign on the shelf, as it is viewed.
type board struct {
	*kept

	view      leaderboard.View
	id, scope string
}

// count counts the places that a further condition chooses; its argument is $3.
func (b Boards) count(ctx context.Context, on board, further string, args ...any) (n int64, err error) {
	query := "SELECT COUNT(*)" + onBoard(on.column(on.view), on.view) + further
	if err := b.Shelf.DB.QueryRowContext(ctx, query, append([]any{on.id, on.scope}, args...)...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count on board %q of %s: %w", on.scope, on.id, err)
	}
	return n, b.Shelf.still(ctx, on.id)
}

func (b Boards) entries(ctx context.Context, query, id string, args ...any) ([]leaderboard.Entry, error) {
	rows, err := b.Shelf.DB.QueryContext(ctx, query, append([]any{id}, args...)...)
	out, err := sqldb.Collect(rows, err, func(r *sql.Rows) (e leaderboard.Entry, err error) {
		var packed int64
		err = r.Scan(&e.Participant, &packed)
		e.Packed = uint64(packed) //nolint:gosec // Never negative.
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read a board of %s on the shelf: %w", id, err)
	}
	return out, b.Shelf.still(ctx, id)
}

// Above implements leaderboard.Store.
func (b Boards) Above(ctx context.Context, id, scope string, v leaderboard.View, packed uint64) (int64, error) {
	k := b.Shelf.find(id)
	if k == nil {
		return b.Store.Above(ctx, id, scope, v, packed)
	}
	return b.count(ctx, board{k, v, id, scope}, " AND "+k.column(v)+" > $3", packedOrNull(&packed))
}

// own finds a participant's place; ok is false where they have none in the view.
func (b Boards) own(ctx context.Context, k *kept, id, scope string, v leaderboard.View, participant string) (e leaderboard.Entry, ok bool, err error) {
	var packed int64
	col := k.column(v)
	err = b.Shelf.DB.QueryRowContext(ctx, "SELECT "+col+onBoard(col, v)+" AND participant = $3", id, scope, participant).Scan(&packed)
	if errors.Is(err, sql.ErrNoRows) {
		return e, false, b.Shelf.still(ctx, id)
	}
	if err != nil {
		return e, false, fmt.Errorf("find participant %s on board %q of %s: %w", participant, scope, id, err)
	}
	return leaderboard.Entry{Participant: participant, Packed: uint64(packed)}, true, nil //nolint:gosec // Never negative.
}

// Standing implements leaderboard.Store.
func (b Boards) Standing(ctx context.Context, id, scope string, v leaderboard.View, participant string, window int64) (leaderboard.Standing, bool, error) {
	k := b.Shelf.find(id)
	if k == nil {
		return b.Store.Standing(ctx, id, scope, v, participant, window)
	}
	var st leaderboard.Standing
	own, ok, err := b.own(ctx, k, id, scope, v, participant)
	if err != nil || !ok {
		return st, false, err
	}
	st.Entry = own
	col, packed := k.column(v), packedOrNull(&own.Packed)
	if st.Above, err = b.count(ctx, board{k, v, id, scope}, " AND "+col+" > $3", packed); err != nil {
		return st, false, err
	}
	if st.Below, err = b.count(ctx, board{k, v, id, scope}, " AND "+col+" < $3", packed); err != nil {
		return st, false, err
	}
	if st.Of, err = b.count(ctx, board{k, v, id, scope}, ""); err != nil {
		return st, false, err
	}
	if st.Around, err = b.around(ctx, board{k, v, id, scope}, own, max(window, 0)); err != nil {
		return st, false, err
	}
	life, _, err := b.Shelf.life(ctx, id, participant)
	if err != nil {
		return st, false, err
	}
	st.Passed = life != nil && life.Best != nil && life.Best.Result.Passed
	return st, true, nil
}

// around lists at most window neighbours on either side, best first.
func (b Boards) around(ctx context.Context, on board, own leaderboard.Entry, window int64) ([]leaderboard.Entry, error) {
	col := on.column(on.view)
	side := func(than, order string) ([]leaderboard.Entry, error) {
		return b.entries(ctx, "SELECT participant, "+col+onBoard(col, on.view)+" AND ("+col+" "+than+" $3 OR "+col+" = $3 AND participant "+than+" $4)"+
			" ORDER BY "+col+" "+order+", participant "+order+" LIMIT $5", on.id, on.scope, packedOrNull(&own.Packed), own.Participant, window)
	}
	better, err := side(">", "ASC")
	if err != nil {
		return nil, err
	}
	less, err := side("<", "DESC")
	if err != nil {
		return nil, err
	}
	slices.Reverse(better)
	return slices.Concat(better, []leaderboard.Entry{own}, less), nil
}

// Ranks implements leaderboard.Store.
func (b Boards) Ranks(ctx context.Context, id, scope string, v leaderboard.View, participants []string) (map[string]leaderboard.Ranked, error) {
	k := b.Shelf.find(id)
	if k == nil {
		return b.Store.Ranks(ctx, id, scope, v, participants)
	}
	out := map[string]leaderboard.Ranked{}
	for _, p := range participants {
		own, ok, err := b.own(ctx, k, id, scope, v, p)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		above, err := b.Above(ctx, id, scope, v, own.Packed)
		if err != nil {
			return nil, err
		}
		out[p] = leaderboard.Ranked{Entry: own, Above: above}
	}
	return out, nil
}

// Hide implements leaderboard.Store.
func (b Boards) Hide(ctx context.Context, id, participant string, hidden bool) error {
	if b.Shelf.Has(id) {
		return ErrArchived
	}
	return b.Store.Hide(ctx, id, participant, hidden)
}

// Thaw implements leaderboard.Store: there is nothing to be moved on the shelf.
func (b Boards) Thaw(ctx context.Context, id string, shard, limit int) (bool, error) {
	if b.Shelf.Has(id) {
		return false, nil
	}
	return b.Store.Thaw(ctx, id, shard, limit)
}

// peopleKept bounds how many are remembered of a campaign.
const peopleKept = 10_000

// People implements leaderboard.Store. Who was looked up is remembered until the campaign
// changes, which an erasure lets it do.
func (b Boards) People(ctx context.Context, id string, ids []string) (map[string]leaderboard.Person, error) {
	k := b.Shelf.find(id)
	if k == nil {
		return b.Store.People(ctx, id, ids)
	}
	out := map[string]leaderboard.Person{}
	for _, participant := range ids {
		k.mu.Lock()
		p, known := k.people[participant]
		k.mu.Unlock()
		if !known {
			life, _, err := b.Shelf.life(ctx, id, participant)
			if err != nil {
				return nil, err
			}
			if life == nil || life.Enrolment.Unit == "" {
				continue
			}
			p = leaderboard.Person{Name: life.Enrolment.DisplayName, Unit: life.Enrolment.Unit, Group: life.Enrolment.Group, Hidden: life.Hidden}
			k.remember(participant, p)
		}
		out[participant] = p
	}
	return out, nil
}

func (k *kept) remember(participant string, p leaderboard.Person) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.people) >= peopleKept {
		clear(k.people)
	}
	k.people[participant] = p
}
