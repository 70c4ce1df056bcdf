package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// FilesKept is how long the files of a job stay after its end. Lists of persons are
// among them, imported ones and exported ones, which no erasure of a single person
// reaches. The job itself stays, to tell what was done; it names nobody.
const FilesKept = 7 * 24 * time.Hour

// expiryEvery is how often every server looks for files whose time is over.
const expiryEvery = time.Hour

// piecesAtOnce bounds how much one transaction takes away, because with SQLite
// nobody else writes meanwhile.
const piecesAtOnce = 4

// expire takes away what is kept no longer, now and every hour, until ctx ends.
func (q *Queue) expire(ctx context.Context) {
	tick := time.NewTicker(q.Every)
	defer tick.Stop()
	var last time.Time
	for ctx.Err() == nil {
		if now := q.Now(); now.Sub(last) >= expiryEvery {
			err := q.expireBefore(ctx, now.Add(-FilesKept))
			if err != nil && ctx.Err() == nil {
				q.Log.WarnContext(ctx, "files of old jobs are kept too long", "err", err)
			}
			last = now
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// expireBefore takes away the files of jobs that ended before a moment.
func (q *Queue) expireBefore(ctx context.Context, end time.Time) error {
	for {
		var job string
		err := q.DB.QueryRowContext(ctx, `SELECT id FROM jobs WHERE finished > 0 AND finished < $1
			AND EXISTS (SELECT 1 FROM job_files WHERE job_files.job = jobs.id) LIMIT 1`, end.UnixMilli()).Scan(&job)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for old files: %w", err)
		}
		if err := q.removeFiles(ctx, job); err != nil {
			return fmt.Errorf("take away the files of job %s: %w", job, err)
		}
	}
}

// removeFiles takes the first pieces first: without them, whoever is reading knows
// at the end that it was none.
func (q *Queue) removeFiles(ctx context.Context, job string) error {
	for {
		var first sql.NullInt64
		err := q.DB.QueryRowContext(ctx, `SELECT min(piece) FROM job_files WHERE job = $1`, job).Scan(&first)
		if err != nil || !first.Valid {
			return err
		}
		err = q.DB.WithTx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `DELETE FROM job_files WHERE job = $1 AND piece < $2`, job, first.Int64+piecesAtOnce)
			return err
		})
		if err != nil {
			return err
		}
	}
}

// ended tells where a file really ends: not where it was taken away meanwhile.
func (r *fileReader) ended() error {
	var there int
	err := r.db.QueryRowContext(r.ctx, `SELECT count(*) FROM job_files WHERE job = $1 AND name = $2 AND piece = 0`, r.job, r.name).Scan(&there)
	switch {
	case err != nil:
		return fmt.Errorf("see whether %s of job %s is whole: %w", r.name, r.job, err)
	case there == 0:
		return fmt.Errorf("%s of job %s was taken away while it was read: %w", r.name, r.job, fs.ErrNotExist)
	}
	return nil
}
