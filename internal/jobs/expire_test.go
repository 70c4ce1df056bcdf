package jobs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"testing"
	"time"

	"qingyuan/internal/jobs"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/internal/waittest"
)

// list is more than what one step takes away.
var list = bytes.Repeat([]byte("县,单位,12\r\n"), 100_000)

// copying is a server whose jobs copy what they are given, in pieces of their own.
func copying(t *testing.T, db *sqldb.DB, c *waittest.Clock) server {
	t.Helper()
	return serve(t, db, c, "copy", func(ctx context.Context, j jobs.Job, p *jobs.Progress) (json.RawMessage, error) {
		in, err := j.Open(ctx, "in")
		if err != nil {
			return nil, err
		}
		out, err := p.Create(ctx, "out")
		if err != nil {
			return nil, err
		}
		_, err = io.Copy(out, in)
		return json.RawMessage(`{"rows":1}`), errors.Join(err, out.Close())
	})
}

func submitList(t *testing.T, q *jobs.Queue, kind string) string {
	t.Helper()
	id, err := q.SubmitWith(t.Context(), jobs.Request{Kind: kind, Actor: "a"}, map[string]io.Reader{"in": bytes.NewReader(list)})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// hasFile tells whether a job's file is there, and fails where it is not whole.
func hasFile(t *testing.T, q *jobs.Queue, id, name string) bool {
	t.Helper()
	j, err := q.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	r, err := j.Open(t.Context(), name)
	var got []byte
	if err == nil {
		got, err = io.ReadAll(r)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false
	case err != nil:
		t.Fatal(err)
	case !bytes.Equal(got, list):
		t.Fatalf("%s has %d bytes, want %d", name, len(got), len(list))
	}
	return true
}

// TestFilesExpire has a job end, and its files go seven days later, while those of a
// later one, and of one that waits, stay. Jobs stay in any case.
func TestFilesExpire(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := newClock()
		s := copying(t, db, c)
		old, waiting := submitList(t, s.Queue, "copy"), submitList(t, s.Queue, "nobody's")
		await(t, s.Queue, old, final)
		c.Add(2 * time.Hour)
		young := submitList(t, s.Queue, "copy")
		await(t, s.Queue, young, final)
		c.Add(jobs.FilesKept - time.Hour) // the old ones' time is over, and the server is to look
		awaitNoFiles(t, db, old)
		for _, name := range []string{"in", "out"} {
			if hasFile(t, s.Queue, old, name) {
				t.Errorf("the old job's %s is still there", name)
			}
			if !hasFile(t, s.Queue, young, name) {
				t.Errorf("the young job's %s is gone", name)
			}
		}
		if !hasFile(t, s.Queue, waiting, "in") {
			t.Error("what the waiting job needs is gone")
		}
		if j, err := s.Job(t.Context(), old); err != nil || j.State != jobs.Done || string(j.Result) != `{"rows":1}` {
			t.Errorf("the old job = %+v, %v", j, err)
		}
	})
}

// awaitNoFiles waits until nothing of a job's files is left.
func awaitNoFiles(t *testing.T, db *sqldb.DB, job string) {
	t.Helper()
	waittest.Until(t, "no piece to be left", func() bool {
		var left int
		if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM job_files WHERE job = $1`, job).Scan(&left); err != nil {
			t.Fatal(err)
		}
		return left == 0
	})
}

// TestFilesEndOnlyWhereTheyEnd takes a file away while it is read: the reader must
// not take what it has for all of it.
func TestFilesEndOnlyWhereTheyEnd(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := newClock()
		s := copying(t, db, c)
		id := submitList(t, s.Queue, "copy")
		j := await(t, s.Queue, id, final)
		r, err := j.Open(t.Context(), "out")
		if err != nil {
			t.Fatal(err)
		}
		c.Add(jobs.FilesKept + time.Hour)
		awaitNoFiles(t, db, id)
		if got, err := io.ReadAll(r); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("read %d bytes and then %v, want that it does not exist", len(got), err)
		}
	})
}
