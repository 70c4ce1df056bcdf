package sqldb

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// lives are the connections of pgx. One whose caller gave up in the middle is closed
// by pgx behind everybody's back: it asks the server to stop and reads until that has
// answered, for up to 15 s. database/sql has forgotten it by then.
type lives struct {
	mu   sync.Mutex
	open map[chan struct{}]struct{} // closed when the connection is
}

// begin checks a new connection and remembers it.
func (l *lives) begin(ctx context.Context, conn *pgx.Conn) error {
	l.mu.Lock()
	maps.DeleteFunc(l.open, func(done chan struct{}, _ struct{}) bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	l.open[conn.PgConn().CleanupDone()] = struct{}{}
	l.mu.Unlock()
	err := checkDurability(ctx, conn)
	if err != nil {
		_ = conn.Close(ctx) // nobody else would
	}
	return err
}

// lastWords bounds how long the end waits for a server that does not answer.
const lastWords = 5 * time.Second

// end waits until every connection is closed, or patience is at its end.
func (l *lives) end(patience time.Duration) {
	l.mu.Lock()
	open := maps.Clone(l.open)
	l.mu.Unlock()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for done := range open {
		select {
		case <-done:
		case <-limit.C:
			return
		}
	}
}
