package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
)

// blockSize is how many positions of an epoch are one block. The tables are indexed by
// participant within each block and not over all: a new row belongs anywhere in an index
// of everybody, which is another page of the file each time, and into the newest block's
// part of this one, which is in memory. The migration that makes the indexes has the
// number too.
const blockSize = 65_536

// inBlock is the block of a row, as the indexes spell it.
var inBlock = "seq / " + strconv.Itoa(blockSize)

// reach is how far the rows of an epoch go: the position of its last.
type reach struct{ event.Position }

// last is the number of the last block; the first is 0.
func (r reach) last() int64 { return int64(r.Seq / blockSize) } //nolint:gosec // A position is below 2^63.

// querier is the database, or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// reachQuery reads the last position before an epoch.
func reachQuery(table string) string {
	return "SELECT epoch, seq FROM " + table + " WHERE shard = $1 AND epoch < $2 ORDER BY epoch DESC, seq DESC LIMIT 1"
}

// reaches lists the epochs of a shard that have rows in a table, oldest first.
func reaches(ctx context.Context, q querier, table string, shard int64) ([]reach, error) {
	var all []reach
	before := int64(math.MaxInt64)
	for {
		rows, err := q.QueryContext(ctx, reachQuery(table), shard, before)
		newest, err := sqldb.Collect(rows, err, func(r *sql.Rows) (to reach, err error) { return to, r.Scan(&to.Epoch, &to.Seq) })
		if err != nil {
			return nil, fmt.Errorf("look how far the rows of %s go: %w", table, err)
		}
		if len(newest) == 0 {
			slices.Reverse(all)
			return all, nil
		}
		all = append(all, newest[0])
		before = int64(newest[0].Epoch) //nolint:gosec // It came as one.
	}
}

// allBlocks are the numbers of the blocks up to the one that a statement's third parameter
// names.
const allBlocks = "WITH RECURSIVE blocks (n) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT n + 1 FROM blocks WHERE n < $3) "

// inBlocks holds for the rows of one participant, the fourth parameter, in the blocks of an
// epoch of a shard. SQLite gives a sum no type, as it gives none to what is indexed: it
// would not look the bare number up.
var inBlocks = "shard = $1 AND epoch = $2 AND " + inBlock + " IN (SELECT n + 0 FROM blocks) AND participant = $4"

// personQuery reads the rows of a participant in one epoch of a shard, in order. Its
// parameters are the shard, the epoch, its last block, and the participant. Ordered by seq
// alone, SQLite would read all of the epoch.
func personQuery(columns, table string) string {
	return allBlocks + "SELECT " + columns + " FROM " + table + " WHERE " + inBlocks + " ORDER BY " + inBlock + ", seq"
}

// rowsAs is how the rows of one of the two tables are read.
type rowsAs[T any] struct {
	table, columns string
	scan           func(*sql.Rows) (T, error)
	key            func(*T) key
}

func asFacts() rowsAs[event.Fact] {
	return rowsAs[event.Fact]{"facts", factList, factScanner(), factKey}
}

func asRecords() rowsAs[event.Record] {
	return rowsAs[event.Record]{"personal", recordList, scanRecord, recordKey}
}

// asKinds reads nothing but what kind of row it is.
func asKinds(table string) rowsAs[string] {
	return rowsAs[string]{table: table, columns: "kind", scan: func(r *sql.Rows) (kind string, err error) { return kind, r.Scan(&kind) }}
}

// ofParticipant reads the rows of one participant in a shard, in order.
func ofParticipant[T any](ctx context.Context, q querier, as rowsAs[T], shard int64, participant string) ([]T, error) {
	epochs, err := reaches(ctx, q, as.table, shard)
	if err != nil {
		return nil, err
	}
	var all []T
	for _, to := range epochs {
		rows, err := q.QueryContext(ctx, personQuery(as.columns, as.table), shard, int64(to.Epoch), to.last(), participant) //nolint:gosec // It came as one.
		some, err := sqldb.Collect(rows, err, as.scan)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// block is one of a shard's.
type block struct{ epoch, number int64 }

// blocksUpTo lists the blocks of a shard that begin no later than a position, oldest first.
func blocksUpTo(ctx context.Context, q querier, table string, shard int64, head event.Position) ([]block, error) {
	epochs, err := reaches(ctx, q, table, shard)
	if err != nil {
		return nil, err
	}
	var all []block
	for _, to := range epochs {
		for n := range to.last() + 1 {
			first := event.Position{Epoch: to.Epoch, Seq: uint64(n) * blockSize}
			if first.Compare(head) <= 0 {
				all = append(all, block{int64(to.Epoch), n}) //nolint:gosec // It came as one.
			}
		}
	}
	return all, nil
}
