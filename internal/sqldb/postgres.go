package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Bounds of the connections to PostgreSQL. Four servers stay below its usual
// limit of 100. What is open is kept for a while: the archivers of all shards ask every
// few hundred milliseconds, and would else begin a dozen connections each time.
const (
	postgresConns   = 16
	postgresIdle    = time.Minute
	postgresLife    = 30 * time.Minute
	postgresConnect = 10 * time.Second // a host that does not answer
)

// application is the name that pg_stat_activity shows.
const application = "qingyuan"

func connectPostgreSQL(target string) (*DB, error) {
	cfg, err := pgx.ParseConfig(target)
	if err != nil {
		return nil, fmt.Errorf("read the address of PostgreSQL: %w", err) // pgx leaves the password out
	}
	cfg.ConnectTimeout = min(cfg.ConnectTimeout, postgresConnect)
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = application
	}
	l := &lives{open: map[chan struct{}]struct{}{}}
	db := sql.OpenDB(stdlib.GetConnector(*cfg, stdlib.OptionAfterConnect(l.begin)))
	db.SetMaxOpenConns(postgresConns)
	db.SetMaxIdleConns(postgresConns)
	db.SetConnMaxIdleTime(postgresIdle)
	db.SetConnMaxLifetime(postgresLife)
	return &DB{DB: db, Dialect: PostgreSQL, name: showPostgreSQL(cfg), lives: l}, nil
}

func showPostgreSQL(cfg *pgx.ConnConfig) string {
	return "postgres://" + net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))) + "/" + cfg.Database
}

// checkDurability looks at each new connection, because the server behind an
// address may change, and its settings with it. The same statement bounds how
// long a transaction may idle: a client that vanished must not hold its locks.
func checkDurability(ctx context.Context, conn *pgx.Conn) error {
	var idle, fsync, commit, encoding string
	err := conn.QueryRow(ctx, `SELECT set_config('idle_in_transaction_session_timeout', '5min', false),
		current_setting('fsync'), current_setting('synchronous_commit'), current_setting('server_encoding')`).
		Scan(&idle, &fsync, &commit, &encoding)
	if err != nil {
		return fmt.Errorf("read the settings of PostgreSQL: %w", err)
	}
	switch {
	case fsync != "on":
		return fmt.Errorf("%w: fsync of PostgreSQL is %s, want on", ErrNotDurable, fsync)
	case commit == "off":
		return fmt.Errorf("%w: synchronous_commit of PostgreSQL is off", ErrNotDurable)
	case encoding != "UTF8":
		return fmt.Errorf("%w: the encoding of the PostgreSQL database is %s, want UTF8", ErrNotDurable, encoding)
	}
	return nil
}
