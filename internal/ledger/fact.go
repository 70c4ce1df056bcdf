package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
)

// factFields are the fields of an entry that the table of facts holds.
var factFields = []string{
	event.FieldKind, event.FieldParticipant, event.FieldUnit, event.FieldGroup,
	event.FieldAt, event.FieldFirst, event.FieldBest, event.FieldSum, event.FieldHidden, event.FieldBody,
}

// factTable is where facts go.
var factTable = table{name: "facts", columns: []column{
	{"epoch", number},
	{"seq", number},
	{"kind", text},
	{"participant", text},
	{"unit", text},
	{"grp", text},
	{"at", number},
	{"first", number},
	{"best", text},
	{"sum", text},
	{"hidden", number},
	{"body", binary},
	{"shard", number},
}}

// factList are the columns of a fact but for the shard, as a statement spells them.
const factList = "epoch, seq, kind, participant, unit, grp, at, first, best, sum, hidden, body"

// appendFact appends the values of the columns of factTable.
func appendFact(values []any, e *event.Entry, f *event.Fact) []any {
	return append(values,
		int64(e.Epoch), int64(e.Seq), string(f.Kind), f.Participant, f.Unit, f.Group, f.At.UnixMilli(), flag(f.First), //nolint:gosec // Checked with the gap.
		e.Get(event.FieldBest), e.Get(event.FieldSum), flag(e.Get(event.FieldHidden) == flagged),
		[]byte(e.Get(event.FieldBody)), nil)
}

// flagged is what a field that is a flag says for true.
const flagged = "1"

func flag(set bool) int64 {
	if set {
		return 1
	}
	return 0
}

// flagText is the inverse of flag, as a field says it.
func flagText(n int64) string {
	if n == 1 {
		return flagged
	}
	return ""
}

// factRow is where the columns of factList go, one row after the other.
type factRow struct {
	epoch, seq, at, first, hidden             int64 // numbers of another type would be scanned as text
	kind, participant, unit, group, best, sum string
	body                                      sql.RawBytes
}

// factScanner returns what reads rows of factList, those of one query.
func factScanner() func(*sql.Rows) (event.Fact, error) {
	var f factRow
	into := []any{&f.epoch, &f.seq, &f.kind, &f.participant, &f.unit, &f.group, &f.at, &f.first, &f.best, &f.sum, &f.hidden, &f.body}
	return func(r *sql.Rows) (event.Fact, error) {
		if err := r.Scan(into...); err != nil {
			return event.Fact{}, err
		}
		return event.Decode(f.entry())
	}
}

// entry is the fact as it lay on the stream: there is one way to read it, and one meaning.
func (f *factRow) entry() event.Entry {
	return event.Entry{
		Position: event.Position{Epoch: uint64(f.epoch), Seq: uint64(f.seq)}, //nolint:gosec // They were checked with the gap.
		Fields: event.Fields{
			{Name: event.FieldKind, Value: f.kind},
			{Name: event.FieldParticipant, Value: f.participant},
			{Name: event.FieldUnit, Value: f.unit},
			{Name: event.FieldGroup, Value: f.group},
			{Name: event.FieldAt, Value: strconv.FormatInt(f.at, 10)},
			{Name: event.FieldFirst, Value: flagText(f.first)},
			{Name: event.FieldBest, Value: f.best},
			{Name: event.FieldSum, Value: f.sum},
			{Name: event.FieldHidden, Value: flagText(f.hidden)},
			{Name: event.FieldBody, Value: string(f.body)},
		},
	}
}

// After returns at most limit facts that follow the position, in order and
// without a gap. The zero position is before the first fact. A fact that is
// missing, because it is a dead letter or because after is not where the ledger
// has been, is ErrGap.
func (l *Ledger) After(ctx context.Context, campaign string, shard int, after event.Position, limit int) ([]event.Fact, error) {
	s := Shard{campaign, shard}
	fail := func(err error) ([]event.Fact, error) {
		return nil, fmt.Errorf("read facts of %s after %s: %w", s, after, err)
	}
	facts, err := l.factsAfter(ctx, s, after, limit)
	if err != nil {
		return fail(err)
	}
	last := after
	for i := range facts {
		if !facts[i].Follows(last) {
			return fail(fmt.Errorf("%w: %s comes after %s", ErrGap, facts[i].Position, last))
		}
		last = facts[i].Position
	}
	return facts, nil
}

// Past is After for who has to come past what could not be stored as a fact: positions
// whose entries are among the dead letters are left out. Any other gap is ErrGap.
func (l *Ledger) Past(ctx context.Context, s Shard, after event.Position, limit int) ([]event.Fact, error) {
	facts, err := l.factsAfter(ctx, s, after, limit)
	last := after
	for i := 0; i < len(facts) && err == nil; i++ {
		err = l.deadBetween(ctx, s, last, facts[i].Position)
		last = facts[i].Position
	}
	if err != nil {
		return nil, fmt.Errorf("read facts of %s after %s, past the dead letters: %w", s, after, err)
	}
	return facts, nil
}

// deadBetween wants every position between two facts to be that of a dead letter.
func (l *Ledger) deadBetween(ctx context.Context, s Shard, last, next event.Position) error {
	at := event.Position{Epoch: next.Epoch}
	if last.Epoch == next.Epoch {
		at.Seq = last.Seq + 1
	}
	for ; at.Compare(next) < 0; at.Seq++ {
		dead, err := l.IsDead(ctx, s, event.Facts, at)
		if err != nil {
			return err
		}
		if !dead {
			return fmt.Errorf("%w: %s comes after %s", ErrGap, next, last)
		}
	}
	return nil
}

func (l *Ledger) factsAfter(ctx context.Context, s Shard, after event.Position, limit int) ([]event.Fact, error) {
	id, err := l.shardID(ctx, s)
	if err != nil {
		return nil, err
	}
	rows, err := l.db.QueryContext(ctx, "SELECT "+factList+
		" FROM facts WHERE shard = $1 AND (epoch, seq) > ($2, $3) ORDER BY epoch, seq LIMIT $4",
		id, after.Epoch, after.Seq, limit)
	return sqldb.Collect(rows, err, factScanner())
}

// ErasedAfter returns when participants were erased in a shard, as positions of the fact
// that says so, of those who have a fact after one position and up to another. Erasures
// up to the former are left out; of several the last counts.
func (l *Ledger) ErasedAfter(ctx context.Context, tx *sql.Tx, s Shard, after, upTo event.Position) (map[string]event.Position, error) {
	id, err := l.shardID(ctx, s)
	if err != nil {
		return nil, err
	}
	type erasure struct {
		participant string
		event.Position
	}
	rows, err := tx.QueryContext(ctx, `SELECT participant, epoch, seq FROM facts e
		WHERE shard = $1 AND kind = 'erased.1' AND (epoch, seq) > ($2, $3) AND participant IN (
		SELECT participant FROM facts f WHERE f.shard = $1 AND (f.epoch, f.seq) > ($2, $3) AND (f.epoch, f.seq) <= ($4, $5))
		ORDER BY epoch, seq`, id, after.Epoch, after.Seq, upTo.Epoch, upTo.Seq)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (e erasure, err error) {
		return e, r.Scan(&e.participant, &e.Epoch, &e.Seq)
	})
	if err != nil {
		return nil, fmt.Errorf("look who was erased in %s after %s: %w", s, after, err)
	}
	out := make(map[string]event.Position, len(all))
	for _, e := range all {
		out[e.participant] = e.Position
	}
	return out, nil
}
