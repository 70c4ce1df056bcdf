package jobs

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"qingyuan/internal/sqldb"
)

// pieceSize is how a file is cut: large enough that a row costs little, small
// enough to be held many times over.
const pieceSize = 256 << 10

// Made opens a file that a job of a kind has made, and reads what the job says of it into
// made, a pointer. The error is fs.ErrNotExist for a job of another kind, before it is
// done, and once its files were taken away: see FilesKept.
func (q *Queue) Made(ctx context.Context, id, kind, name string, made any) (Job, io.Reader, error) {
	j, err := q.Job(ctx, id)
	if err != nil {
		return j, nil, err
	}
	if j.Kind != kind || j.State != Done {
		return j, nil, fmt.Errorf("open %s of job %s (%s, %s): %w", name, id, j.Kind, j.State, fs.ErrNotExist)
	}
	if err := json.Unmarshal(j.Result, made); err != nil {
		return j, nil, fmt.Errorf("read what job %s made: %w", id, err)
	}
	r, err := j.Open(ctx, name)
	return j, r, err
}

// Open reads a file that the job was submitted with, or that it has made. The
// error is fs.ErrNotExist where there is none, or none any more: see FilesKept.
func (j Job) Open(ctx context.Context, name string) (io.Reader, error) {
	if j.queue == nil {
		return nil, fmt.Errorf("open %s of job %s: %w", name, j.ID, fs.ErrNotExist)
	}
	r := &fileReader{ctx: ctx, db: j.queue.DB, job: j.ID, name: name}
	if err := r.next(); err != nil {
		return nil, fmt.Errorf("open %s of job %s: %w", name, j.ID, err)
	}
	return r, nil
}

type fileReader struct {
	ctx       context.Context //nolint:containedctx // io.Reader has none.
	db        *sqldb.DB
	job, name string
	piece     int
	left      []byte
}

// Read implements io.Reader.
func (r *fileReader) Read(p []byte) (int, error) {
	for len(r.left) == 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

// next fetches a piece, or io.EOF behind the last one.
func (r *fileReader) next() error {
	err := r.db.QueryRowContext(r.ctx, `SELECT body FROM job_files WHERE job = $1 AND name = $2 AND piece = $3`,
		r.job, r.name, r.piece).Scan(&r.left)
	if errors.Is(err, sql.ErrNoRows) {
		return cmp.Or(r.ended(), io.EOF)
	}
	if err != nil {
		return fmt.Errorf("read piece %d of %s of job %s: %w", r.piece, r.name, r.job, err)
	}
	r.piece++
	return nil
}

// putFile writes a file, piece by piece.
func (q *Queue) putFile(ctx context.Context, job, name string, content io.Reader) error {
	buffer := make([]byte, pieceSize)
	for piece := 0; ; piece++ {
		n, err := io.ReadFull(content, buffer)
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !ended {
			return err
		}
		if n > 0 || piece == 0 { // an empty file is one too
			err := q.DB.WithTx(ctx, func(tx *sql.Tx) error { return putPiece(ctx, tx, job, name, piece, buffer[:n]) })
			if err != nil {
				return err
			}
		}
		if ended {
			return nil
		}
	}
}

func putPiece(ctx context.Context, tx *sql.Tx, job, name string, piece int, body []byte) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO job_files (job, name, piece, body) VALUES ($1, $2, $3, $4)`, job, name, piece, body)
	return err
}

// Create begins a file that the job makes, instead of what an attempt before has
// left of it. The writer keeps one piece in memory and must be closed.
func (p *Progress) Create(ctx context.Context, name string) (io.WriteCloser, error) {
	err := p.within(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM job_files WHERE job = $1 AND name = $2`, p.job.ID, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create %s of job %s: %w", name, p.job.ID, err)
	}
	return &fileWriter{ctx: ctx, progress: p, name: name}, nil
}

type fileWriter struct {
	ctx      context.Context //nolint:containedctx // io.Writer has none.
	progress *Progress
	name     string
	piece    int
	buffer   []byte
}

// Write implements io.Writer.
func (w *fileWriter) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		n := min(pieceSize-len(w.buffer), len(p))
		w.buffer = append(w.buffer, p[:n]...)
		p = p[n:]
		if len(w.buffer) == pieceSize {
			if err := w.flush(); err != nil {
				return 0, err
			}
		}
	}
	return written, nil
}

func (w *fileWriter) flush() error {
	err := w.progress.within(w.ctx, func(tx *sql.Tx) error {
		return putPiece(w.ctx, tx, w.progress.job.ID, w.name, w.piece, w.buffer)
	})
	if err != nil {
		return fmt.Errorf("write piece %d of %s of job %s: %w", w.piece, w.name, w.progress.job.ID, err)
	}
	w.piece++
	w.buffer = w.buffer[:0]
	return nil
}

// Close writes the rest.
func (w *fileWriter) Close() error {
	if len(w.buffer) == 0 && w.piece > 0 {
		return nil
	}
	return w.flush()
}
