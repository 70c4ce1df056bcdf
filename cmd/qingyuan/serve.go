package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/configs"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/sqldb"
)

// serveCmd serves until it is told to stop.
type serveCmd struct {
	configFlags

	Addr    string `help:"Public listener." placeholder:"HOST:PORT"`
	OpsAddr string `help:"Operations listener: metrics." name:"ops-addr" placeholder:"HOST:PORT"`
	Demo    bool   `help:"Serve the demonstration campaigns, with sandbox sign-in. Never on a public server."`
}

// Run implements the command.
func (s serveCmd) Run(e env) error {
	flags := map[string]any{}
	if s.Addr != "" {
		flags["http.addr"] = s.Addr
	}
	if s.OpsAddr != "" {
		flags["http.ops_addr"] = s.OpsAddr
	}
	if s.Demo {
		flags["demo"] = true
	}
	cfg, err := s.load(flags)
	if err != nil {
		return err
	}
	log := newLogger(cfg, e)
	redis.SetLogger(redisLog{log})
	tuneHeap(heapRules(cfg, machineMemory(), os.LookupEnv))
	return serve(e.ctx, cfg, serving{log: log})
}

// redisLog takes what go-redis says on its own account. Errors that matter come
// back to whoever called, so it is only for looking closer.
type redisLog struct{ log *slog.Logger }

// Printf implements go-redis' logger.
func (l redisLog) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, "go-redis says", "text", fmt.Sprintf(format, v...))
}

// toolLogger is newLogger for the other commands: they tell their result, and of their way
// there only what is wrong.
func toolLogger(cfg configs.Config, e env) *slog.Logger {
	cfg.Log.Level = max(cfg.Log.Level, slog.LevelWarn)
	return newLogger(cfg, e)
}

// newLogger writes to standard error, as the configuration says.
func newLogger(cfg configs.Config, e env) *slog.Logger {
	o := &slog.HandlerOptions{Level: cfg.Log.Level}
	if cfg.Log.Format == configs.LogText {
		return slog.New(slog.NewTextHandler(e.stderr, o))
	}
	return slog.New(slog.NewJSONHandler(e.stderr, o))
}

// serving is what a caller of serve may give and learn.
type serving struct {
	log *slog.Logger
	// listening is told the public address once connections are taken.
	listening func(addr string)
	// asked is the clock by which reports are asked for; nil is that of the machine.
	asked func() time.Time
}

// serve runs the whole program until ctx ends. It reads no global state, so a
// test can start it as often as it likes. Things stop in the reverse of the
// order they started in.
func serve(ctx context.Context, cfg configs.Config, o serving) error {
	cfg, err := cfg.WithSecrets()
	if err != nil {
		return err
	}
	connect, closeRedis, err := openRedis(ctx, cfg, o.log)
	if err != nil {
		return err
	}
	defer func() {
		if err := closeRedis(); err != nil {
			o.log.Error("close redis", "err", err) //nolint:sloglint // The context has ended.
		}
	}()
	sql, err := awaitDatabase(ctx, cfg, o.log)
	if err != nil {
		return err
	}
	defer func() {
		if err := sql.Close(); err != nil {
			o.log.Error("close the database", "err", err) //nolint:sloglint // The context has ended.
		}
	}()
	vetting := redisstore.NewVetting()
	st := stores{
		redis: connect(vetting.OnConnect), examiner: connect(nil), vetting: vetting, sql: sql,
		private: cfg.PrivateRedis(), log: o.log,
	}
	p, err := newProgram(ctx, cfg, st, o)
	if err != nil {
		return err
	}
	defer p.close()
	return p.run(ctx, o)
}

// stores are what a server keeps its data in.
type stores struct {
	// redis serves. It is kept from every process of Redis that was not examined
	// since it started, through examiner, which is not.
	redis, examiner redis.UniversalClient
	vetting         *redisstore.Vetting
	sql             *sqldb.DB
	// private says that this server runs the Redis itself.
	private bool
	log     *slog.Logger
}

// vet examines a Redis that is not vetted yet. The crew looks at the others every
// second anyway. Of an external one that was started nobody knows how its log
// ended; the private one's was mended before.
func (s stores) vet(ctx context.Context, examine func(context.Context) error) error {
	if known, err := s.vetting.Knows(ctx, s.examiner); err != nil || known {
		return err
	}
	if err := s.vetting.Examine(ctx, s.examiner, examine); err != nil {
		return err
	}
	if s.private {
		return nil
	}
	if err := redisstore.RewriteLogs(ctx, s.examiner); err != nil {
		s.log.WarnContext(ctx, "redis was started, and its log may end in half an act: let it be written anew (BGREWRITEAOF)", "err", err)
	}
	return nil
}

// awaitDatabase opens the database. One that does not answer is waited for:
// without having seen the ledger once, nobody could tell whether the Redis is the
// one that belongs to it. Later it may be away.
func awaitDatabase(ctx context.Context, cfg configs.Config, log *slog.Logger) (*sqldb.DB, error) {
	if err := makeDatabaseFolder(cfg); err != nil {
		return nil, err
	}
	for told := false; ; told = true {
		db, err := sqldb.Open(ctx, cfg.DatabaseTarget())
		if err == nil || !sqldb.IsUnavailable(err) {
			return db, err
		}
		if !told {
			log.WarnContext(ctx, "wait for the database", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the database: %w", err)
		case <-time.After(time.Second):
		}
	}
}

// makeDatabaseFolder makes the folder that the database lies in where that is a file.
func makeDatabaseFolder(cfg configs.Config) error {
	if !cfg.Database.URL.IsZero() {
		return nil
	}
	if err := os.MkdirAll(cfg.Data.Dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	return nil
}
