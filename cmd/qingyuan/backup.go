package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/backup"
	"qingyuan/internal/ledger"
	"qingyuan/internal/sqldb"
)

// backupCmd copies a data folder into one file, beside a running server or
// without one.
type backupCmd struct {
	configFlags

	File string `arg:"" help:"File to write. It must not exist." type:"path"`
}

// Run implements the command.
func (b backupCmd) Run(e env) error {
	cfg, err := b.load(nil)
	if err != nil {
		return err
	}
	if err := ownData(cfg); err != nil {
		return err
	}
	m, err := writeBackup(e.ctx, cfg, b.File)
	if errors.Is(err, backup.ErrExists) {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if err != nil {
		return err
	}
	return tellBackup(e, cfg, b.File, m)
}

// ownData refuses what a backup does not reach: only the databases that the
// server runs itself lie in the data folder.
func ownData(cfg configs.Config) error {
	if !cfg.PrivateRedis() || !cfg.Database.URL.IsZero() {
		return fmt.Errorf("%w: this deployment keeps data in a Redis or PostgreSQL elsewhere, which a backup of the data folder does not "+
			"reach. Back the ledger up with its own tools (PostgreSQL: pg_dump or continuous archiving); from it `qingyuan rebuild` "+
			"makes Redis again. docs/OPERATIONS.md says more", errUsage)
	}
	if _, err := os.Stat(filepath.Join(cfg.Data.Dir, deploymentFile)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: no server has served from the data folder %s; is --data right?", errUsage, cfg.Data.Dir)
	}
	return nil
}

// forkWait is how long Redis may take to answer one question: it stands still
// while it makes the child that saves.
const forkWait = 30 * time.Second

// writeBackup opens the databases of the data folder and makes the backup.
func writeBackup(ctx context.Context, cfg configs.Config, file string) (m backup.Manifest, err error) {
	cfg.Redis.ReadTimeout = forkWait
	client, done, err := attachRedis(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, done()) }()
	db, err := sqldb.Open(ctx, cfg.DatabaseTarget())
	if err != nil {
		return m, err
	}
	defer db.Close()
	job := backup.Job{
		Data: cfg.Data.Dir, File: file, Program: version,
		Redis: client, Database: db, Ledger: ledger.New(db), Now: time.Now,
	}
	return job.Run(ctx)
}

func tellBackup(e env, cfg configs.Config, file string, m backup.Manifest) error {
	_, err := fmt.Fprintf(e.stdout, "backed up %s into %s: %d files, %d bytes, as of %s\n", cfg.Data.Dir, file, len(m.Files), m.Size(),
		m.Created.Format(time.RFC3339))
	lines := []string{"the file holds the sealed personal data: keep it as close as the data folder itself"}
	if m.Has(configs.SecretsFile) {
		lines = []string{"the file holds the secrets and the personal data sealed with them: keep it as close as the data folder itself"}
	} else {
		lines = append(lines, "the secrets are configured and not in it: without them it is worth nothing")
	}
	if cfg.Campaigns.Dir != "" {
		lines = append(lines, "the campaigns of "+cfg.Campaigns.Dir+" are not in it")
	}
	for _, line := range lines {
		_, more := fmt.Fprintln(e.stdout, line)
		err = errors.Join(err, more)
	}
	return err
}

// restoreCmd lays out a backup as a new data folder.
type restoreCmd struct {
	configFlags

	File string `arg:"" help:"Backup to restore." type:"existingfile"`
}

// Run implements the command.
func (r restoreCmd) Run(e env) error {
	cfg, err := r.load(nil)
	if err != nil {
		return err
	}
	m, err := backup.Restore(e.ctx, r.File, cfg.Data.Dir)
	if errors.Is(err, backup.ErrNotEmpty) || errors.Is(err, backup.ErrNotBackup) {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "restored %s into %s: deployment %s as of %s, written by version %s\n"+
		"check it with `qingyuan verify`, then serve it; what happened after that time is not in it, and erasures are to be carried out again\n",
		r.File, cfg.Data.Dir, m.Deployment, m.Created.Format(time.RFC3339), m.Program)
	return err
}
