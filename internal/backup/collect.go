package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
)

// collect makes the copies, in the order that makes them fit together.
func (j *Job) collect(ctx context.Context) (Manifest, []Part, error) {
	if err := j.checkRoom(ctx); err != nil {
		return Manifest{}, nil, err
	}
	before, err := j.epochs(ctx)
	if err != nil {
		return Manifest{}, nil, err
	}
	m := Manifest{Program: j.Program, Created: j.Now().UTC().Truncate(time.Second)}
	var parts []Part
	err = j.held(ctx, func(ctx context.Context) (err error) {
		parts, m.Cursors, err = j.copyDatabases(ctx)
		return err
	})
	if err != nil {
		return m, parts, err
	}
	if err := j.checkEpochs(ctx, before); err != nil {
		return m, parts, err
	}
	small, err := smallFiles(ctx, j.Data)
	if err != nil {
		return m, parts, err
	}
	m.Deployment, err = deployment(small)
	return m, append(small, parts...), err
}

// epochs returns every campaign's epoch, which a rebuild raises.
func (j *Job) epochs(ctx context.Context) (map[string]uint64, error) {
	campaigns, err := j.Ledger.Campaigns(ctx)
	if err != nil {
		return nil, err
	}
	epochs := map[string]uint64{}
	for _, c := range campaigns {
		if c.Condition != ledger.Open {
			return nil, fmt.Errorf("%w: %s", ErrRebuilt, c.Campaign)
		}
		epochs[c.Campaign] = c.Epoch
	}
	return epochs, nil
}

// checkEpochs makes sure that nothing was rebuilt since before. Campaigns may
// have been opened.
func (j *Job) checkEpochs(ctx context.Context, before map[string]uint64) error {
	after, err := j.epochs(ctx)
	if err != nil {
		return err
	}
	for id, epoch := range before {
		if after[id] != epoch {
			return fmt.Errorf("%w: %s", ErrRebuilt, id)
		}
	}
	return nil
}

// cursors lists how far the ledger is, in order.
func (j *Job) cursors(ctx context.Context) ([]Cursor, error) {
	heads, err := j.Ledger.Cursors(ctx)
	if err != nil {
		return nil, err
	}
	var all []Cursor
	for s, h := range heads {
		for stream, at := range map[event.Stream]event.Position{event.Facts: h.Facts, event.Personal: h.Personal} {
			all = append(all, Cursor{Campaign: s.Campaign, Shard: s.Number, Stream: string(stream), Position: at.String()})
		}
	}
	slices.SortFunc(all, func(a, b Cursor) int {
		return cmp.Or(cmp.Compare(a.Campaign, b.Campaign), cmp.Compare(a.Shard, b.Shard), cmp.Compare(a.Stream, b.Stream))
	})
	return all, nil
}

// deployment returns the id that the data folder remembers.
func deployment(small []Part) (string, error) {
	for _, p := range small {
		if p.Name == deploymentName {
			raw := make([]byte, p.Size)
			_, err := p.Content.ReadAt(raw, 0)
			return strings.TrimSpace(string(raw)), err
		}
	}
	return "", errors.New("there is nothing to back up: no server has served from it yet")
}

// copyDatabases copies the database first: Redis may be ahead of the ledger,
// never behind it.
func (j *Job) copyDatabases(ctx context.Context) (parts []Part, cursors []Cursor, err error) {
	if cursors, err = j.cursors(ctx); err != nil {
		return nil, nil, err
	}
	database, err := j.copyDatabase(ctx)
	if err != nil {
		return nil, nil, err
	}
	parts = append(parts, database)
	dump, err := saveRedis(ctx, j.Redis)
	if err != nil {
		return parts, nil, err
	}
	return append(parts, dump), cursors, nil
}

// copyDatabase returns a copy of the database as it is at one moment, open and
// without a name. Others go on reading and writing meanwhile.
func (j *Job) copyDatabase(ctx context.Context) (Part, error) {
	if err := makeEmpty(j.copyName()); err != nil {
		return Part{}, err
	}
	if _, err := j.Database.ExecContext(ctx, "VACUUM INTO ?", j.copyName()); err != nil {
		return Part{}, fmt.Errorf("copy the database: %w", err)
	}
	return takeFile(DatabaseName, j.copyName())
}

// makeEmpty makes a file that only we may read: SQLite would leave that to the
// mask of our process.
func makeEmpty(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // G304: beside the operator's file
	if err != nil {
		return err
	}
	return f.Close()
}

// takeFile opens a file that was made for the backup and takes its name away, so
// that nothing is left of it once it is closed.
func takeFile(name, path string) (Part, error) {
	f, err := os.Open(path) //nolint:gosec // G304: we, or our own Redis, have named it
	if err != nil {
		return Part{}, fmt.Errorf("open the copy %s: %w", path, err)
	}
	info, err := f.Stat()
	if err := errors.Join(err, os.Remove(path)); err != nil {
		_ = f.Close()
		return Part{}, fmt.Errorf("take the copy %s: %w", path, err)
	}
	return Part{Name: name, Content: f, Size: info.Size()}, nil
}

// closeAll ends the parts that are files, which frees their room.
func closeAll(parts []Part) {
	for _, p := range parts {
		if f, ok := p.Content.(*os.File); ok {
			_ = f.Close()
		}
	}
}

// checkRoom makes sure that neither disk becomes full: a full disk stops Redis,
// and with it the server.
func (j *Job) checkRoom(ctx context.Context) error {
	s, err := askSaves(ctx, j.Redis)
	if err != nil {
		return err
	}
	database, err := os.Stat(filepath.Join(j.Data, DatabaseName))
	if err != nil {
		return err
	}
	target := filepath.Dir(j.File)
	same, err := sameDisk(j.Data, target)
	if err != nil {
		return err
	}
	dump, written := s.memory, 2*database.Size()+s.memory // at most: both are packed
	if same {
		return needRoom(target, dump+written)
	}
	return errors.Join(needRoom(j.Data, dump), needRoom(target, written))
}
