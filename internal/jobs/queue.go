package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"

	"qingyuan/internal/sqldb"
)

// Handler does the work of one kind. It returns JSON for whoever asks, or an
// error: a fault is shown as it is, any other as "internal". Its context ends when
// the job is cancelled, is lost to another server, or the server stops.
type Handler func(ctx context.Context, j Job, p *Progress) (result json.RawMessage, err error)

// Queue keeps the jobs and works on them. Set the fields before the first use.
type Queue struct {
	DB  *sqldb.DB
	Now func() time.Time
	Log *slog.Logger
	// AtOnce is how many jobs this server works on at a time; 2 when zero.
	AtOnce int
	// Lease is how long a job stays with a server that says nothing; 30 s when zero.
	Lease time.Duration
	// Every is how often a free worker looks for work; a second when zero.
	Every time.Duration
	// Alone says that no other server works on this database: what is under way when Run
	// begins is nobody's any more, and need not wait for the end of its lease.
	Alone bool

	handlers map[string]Handler
	owner    string
}

// MaxAttempts is how often a job is begun before it is given up: what ends a
// server each time must not end all of them for ever.
const MaxAttempts = 5

// Register says who does the work of a kind. Call it before Run.
func (q *Queue) Register(kind string, h Handler) {
	if q.handlers == nil {
		q.handlers = map[string]Handler{}
	}
	q.handlers[kind] = h
}

// Submit puts a job in line and returns its id.
func (q *Queue) Submit(ctx context.Context, r Request) (string, error) {
	id := ulid.Make().String()
	err := q.DB.WithTx(ctx, func(tx *sql.Tx) error { return q.insert(ctx, tx, id, Queued, r) })
	if err != nil {
		return "", fmt.Errorf("submit a job %s: %w", r.Kind, err)
	}
	return id, nil
}

// SubmitWith is Submit with files that the handler reads by Job.Open. They are written in
// small transactions, so that nobody waits for a large one; until all are there the job
// counts as cancelled, and so does one whose submitter is gone before that.
func (q *Queue) SubmitWith(ctx context.Context, r Request, files map[string]io.Reader) (string, error) {
	fail := func(err error) (string, error) { return "", fmt.Errorf("submit a job %s: %w", r.Kind, err) }
	id := ulid.Make().String()
	if err := q.DB.WithTx(ctx, func(tx *sql.Tx) error { return q.insert(ctx, tx, id, Cancelled, r) }); err != nil {
		return fail(err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := q.putFile(ctx, id, name, files[name]); err != nil {
			return fail(fmt.Errorf("keep file %s: %w", name, err))
		}
	}
	err := q.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE jobs SET state = 'queued', finished = 0 WHERE id = $1`, id)
		return err
	})
	if err != nil {
		return fail(err)
	}
	return id, nil
}

// SubmitTx is Submit in the transaction of what the job follows from. The id must
// be thrown away where the transaction fails.
func (q *Queue) SubmitTx(ctx context.Context, tx *sql.Tx, r Request) (string, error) {
	id := ulid.Make().String()
	if err := q.insert(ctx, tx, id, Queued, r); err != nil {
		return "", fmt.Errorf("submit a job %s: %w", r.Kind, err)
	}
	return id, nil
}

// SubmitOnce is Submit unless a job of the kind is in line or under way for the campaign
// already: that one's id is returned then. Two servers that ask at the same moment may
// both put one in line.
func (q *Queue) SubmitOnce(ctx context.Context, r Request) (id string, err error) {
	err = q.DB.WithTx(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT id FROM jobs WHERE kind = $1 AND campaign = $2 AND state IN ('queued', 'running') ORDER BY id LIMIT 1`,
			r.Kind, r.Campaign).Scan(&id)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		id = ulid.Make().String()
		return q.insert(ctx, tx, id, Queued, r)
	})
	if err != nil {
		return "", fmt.Errorf("submit a job %s: %w", r.Kind, err)
	}
	return id, nil
}

func (q *Queue) insert(ctx context.Context, tx *sql.Tx, id string, state State, r Request) error {
	params := r.Params
	if len(params) == 0 {
		params = json.RawMessage("{}")
	}
	if !json.Valid(params) {
		return errors.New("its parameters are not JSON")
	}
	addr := ""
	if r.Addr.IsValid() {
		addr = r.Addr.String()
	}
	now, finished := q.Now().UnixMilli(), int64(0)
	if state.Final() {
		finished = now
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO jobs (id, kind, action, campaign, node, actor, login, addr, params, state, created, finished)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		id, r.Kind, r.Action, r.Campaign, r.Node, r.Actor, r.Login, addr, string(params), string(state), now, finished)
	return err
}

const columns = `id, kind, action, campaign, node, actor, login, addr, params, state, stop, attempt, done, total, note,
	checkpoint, result, code, error, created, started, finished`

// Job returns a job, or ErrNotFound.
func (q *Queue) Job(ctx context.Context, id string) (Job, error) {
	j, err := q.scan(q.DB.QueryRowContext(ctx, `SELECT `+columns+` FROM jobs WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Job{}, ErrNotFound
	}
	if err != nil {
		return Job{}, fmt.Errorf("read job %s: %w", id, err)
	}
	return j, nil
}

// List returns the newest jobs of a campaign, at most limit of them; before is the
// id that a page ended with, "" for the first. Campaign "" lists those of none.
func (q *Queue) List(ctx context.Context, campaign, before string, limit int) ([]Job, error) {
	if before == "" {
		before = "~" // behind every id
	}
	rows, err := q.DB.QueryContext(ctx, `SELECT `+columns+` FROM jobs
		WHERE campaign = $1 AND id < $2 ORDER BY id DESC LIMIT $3`, campaign, before, limit)
	out, err := sqldb.Collect(rows, err, func(r *sql.Rows) (Job, error) { return q.scan(r) })
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return out, nil
}

// Cancel asks for a job to end. One that waits ends at once, one that is worked on
// at its next step; what it has committed by then stays, as its result says.
func (q *Queue) Cancel(ctx context.Context, id string) error {
	return q.DB.WithTx(ctx, func(tx *sql.Tx) error {
		now := q.Now().UnixMilli()
		res, err := tx.ExecContext(ctx, `UPDATE jobs SET stop = 1,
			state    = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END,
			finished = CASE WHEN state = 'queued' THEN $1 ELSE finished END
			WHERE id = $2 AND state IN ('queued', 'running')`, now, id)
		if err != nil {
			return fmt.Errorf("cancel job %s: %w", id, err)
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		var state string
		err = tx.QueryRowContext(ctx, `SELECT state FROM jobs WHERE id = $1`, id).Scan(&state)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return ErrNotFound
		case err != nil:
			return fmt.Errorf("cancel job %s: %w", id, err)
		case State(state) == Cancelled:
			return nil // asked for twice
		}
		return ErrFinal
	})
}

type scanner interface{ Scan(dest ...any) error }

func (q *Queue) scan(row scanner) (Job, error) {
	var j Job
	var addr, params, checkpoint, result string
	var created, started, finished int64
	err := row.Scan(&j.ID, &j.Kind, &j.Action, &j.Campaign, &j.Node, &j.Actor, &j.Login, &addr, &params, &j.State, &j.Stopping,
		&j.Attempt, &j.Done, &j.Total, &j.Note, &checkpoint, &result, &j.Code, &j.Error, &created, &started, &finished)
	if err != nil {
		return Job{}, err
	}
	if addr != "" {
		if j.Addr, err = netip.ParseAddr(addr); err != nil {
			return Job{}, fmt.Errorf("address of job %s: %w", j.ID, err)
		}
	}
	j.Params, j.Checkpoint, j.Result = raw(params), raw(checkpoint), raw(result)
	j.CreatedAt, j.StartedAt, j.FinishedAt = moment(created), moment(started), moment(finished)
	j.queue = q
	return j, nil
}

func raw(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
