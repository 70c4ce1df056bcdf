//go:build chaos

package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const (
	// refusedWithin is how soon a full disk is answered 503.
	refusedWithin = 2 * time.Second
	// mendedWithin is how soon acts are taken again after there is room. The
	// private Redis ends when it cannot write, and is started again every five
	// seconds at the latest.
	mendedWithin = 10 * time.Second
	// fullFor is how long the disk stays full: Redis is started in vain meanwhile.
	fullFor = 3 * time.Second
)

// TestDiskFull fills the file system on which the program keeps everything, and
// makes room again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	const kind = "diskfull"
	disk := mount(t, kind, "-t", "tmpfs", "-o", "size=48m", "tmpfs")
	s := NewStage(t, "disk full: 503 in time, nothing lost, mends itself", Options{Name: kind, Data: filepath.Join(disk, "d")}, CrowdOptions{})
	var refused, mended time.Duration
	s.Rounds(t.Context(), Rounds(kind, 3, 50), func(ctx context.Context) error {
		if err := acts(ctx, s.Crowd, 50); err != nil {
			return err
		}
		r, m, err := fullDisk(ctx, s, disk)
		refused, mended = max(refused, r), max(mended, m)
		return err
	})
	s.Row.Note("503 after at most %v, acts after at most %v", refused.Round(time.Millisecond), mended.Round(time.Millisecond))
}

// fullDisk measures how long it takes until newcomers are answered 503 on a full
// disk, and until they are let in again when there is room.
func fullDisk(ctx context.Context, s *Stage, disk string) (refused, mended time.Duration, err error) {
	free, err := fill(disk)
	if err != nil {
		return 0, 0, err
	}
	newcomer := newProbe(s)
	refused, err = within(ctx, refusedWithin, "a refusal", func() (bool, error) {
		status, err := newcomer.knock(ctx, refusedWithin)
		return status == http.StatusServiceUnavailable, err
	})
	err = errors.Join(err, newcomer.answered(ctx, fullFor), free())
	if err != nil {
		return refused, 0, err
	}
	mended, err = within(ctx, mendedWithin, "acts", func() (bool, error) {
		status, err := newcomer.knock(ctx, mendedWithin)
		return status == http.StatusOK, err
	})
	return refused, mended, err
}

// probe is somebody new at each knock: signing in for the first time is written
// down, so that it needs Redis to be well. Each knock is an act of the crowd's.
type probe struct {
	crowd  *Crowd
	name   string
	knocks int
}

func newProbe(s *Stage) *probe {
	return &probe{crowd: s.Crowd, name: fmt.Sprintf("%s-probe-%d", s.Crowd.o.Name, time.Now().UnixNano())}
}

// knock sends one request and returns the status of the answer, or an error when
// there is none in time.
func (p *probe) knock(ctx context.Context, limit time.Duration) (int, error) {
	p.knocks++
	who := fmt.Sprint(p.name, "-", p.knocks)
	e := Entry{
		Who: who, Kind: actDoor, Method: http.MethodPost, Path: api + "/sessions/sandbox", Body: encode(map[string]string{"name": who}),
	}
	book := p.crowd.books[0]
	n, err := book.Intend(e)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r := p.crowd.client.send(ctx, request{method: e.Method, path: e.Path, body: e.Body})
	out := Entry{Act: n, Is: r.outcome(), Code: r.code, Tries: 1}
	if out.Is == isAcknowledged {
		err = readReceipt(actDoor, r.body, &out)
	}
	return r.status, errors.Join(r.err, err, book.Outcome(out))
}

// answered knocks again and again: each time an answer comes in time. Somebody may
// be let in for whom SQLite gave a bit of room back; whether that was true, the
// judge finds out.
func (p *probe) answered(ctx context.Context, during time.Duration) error {
	for since := time.Now(); time.Since(since) < during && ctx.Err() == nil; {
		if _, err := p.knock(ctx, refusedWithin); err != nil {
			return fmt.Errorf("a newcomer at the full disk: %w", err)
		}
		Sleep(ctx, 50*time.Millisecond)
	}
	return nil
}

const archiveErrors = "qingyuan_archive_errors_total"

// TestLedgerDiskFull fills the file system of the ledger alone. Acts are taken as
// before, because Redis has room, and reach the ledger when it has room too.
func TestLedgerDiskFull(t *testing.T) {
	t.Parallel()
	const kind = "ledgerfull"
	disk := mount(t, kind, "-t", "tmpfs", "-o", "size=16m", "tmpfs")
	data := filepath.Join(Folder(t, kind), "d")
	if err := errors.Join(os.Mkdir(data, 0o700), linkLedger(data, disk)); err != nil {
		t.Fatal(err)
	}
	s := NewStage(t, "the ledger's disk full: acts go on", Options{Name: kind, Data: data}, CrowdOptions{})
	s.Rounds(t.Context(), Rounds(kind, 2, 30), func(ctx context.Context) error {
		free, err := fill(disk)
		if err != nil {
			return err
		}
		before, err := s.Program.metric(ctx, archiveErrors)
		err = errors.Join(err, acts(ctx, s.Crowd, 50), poll(ctx, patience, "the archiver to find the disk full", func() (bool, error) {
			now, err := s.Program.metric(ctx, archiveErrors)
			return now > before, err
		}), acts(ctx, s.Crowd, 50))
		return errors.Join(err, free(), s.Back(ctx))
	})
}

// linkLedger has the ledger's file lie on another disk. The program makes no file
// where a link is, so an empty one must be there.
func linkLedger(data, disk string) error {
	file, err := os.OpenFile(filepath.Join(disk, "qingyuan.db"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Symlink(filepath.Join(disk, "qingyuan.db"), filepath.Join(data, "qingyuan.db")))
}
