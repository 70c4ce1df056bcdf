package sqltest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// shared is the one server of the test binary. It is never stopped: its watcher
// ends it when the binary is gone.
type shared struct {
	once   sync.Once
	server *Server
	err    error
	number atomic.Int64 // of the databases
}

var common shared

// postgresTarget returns the address of a database that is like another one.
func postgresTarget(t testing.TB, like string) string {
	t.Helper()
	name := postgresDatabase(t, like)
	return common.server.url(name)
}

// postgresDatabase makes a database that is like another one, and returns its name.
func postgresDatabase(t testing.TB, like string) string {
	t.Helper()
	bin := programs(t)
	common.once.Do(func() { common.err = common.start(t.Context(), bin) })
	if common.err != nil {
		t.Fatalf("start PostgreSQL: %v", common.err)
	}
	name := fmt.Sprintf("test%d", common.number.Add(1))
	common.server.createDatabase(t, name, like)
	return name
}

func (c *shared) start(ctx context.Context, bin string) error {
	c.server = &Server{bin: bin}
	if err := c.server.create(); err != nil {
		return err
	}
	return c.server.start(ctx)
}
