package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNotEmpty means that the folder to restore into holds something already.
var ErrNotEmpty = errors.New("a backup is restored into a missing or an empty folder only")

// stagingName is where files wait, inside an existing folder, until all of them
// are right. Outside, beside a missing one, a random suffix follows.
const stagingName = "restoring"

// Restore lays out the backup in file as the data folder data, which must be
// missing or empty, and returns what was in it. Every byte is checked and synced
// before anything is put in place; when it fails, data is as it was.
//
// A missing folder appears at once, by one rename. An existing one, which may be
// the mount point of a volume, is filled by one rename for each thing in it,
// Redis last: a server that is started in between finds a deployment without its
// Redis and refuses.
func Restore(ctx context.Context, file, data string) (Manifest, error) {
	in, err := os.Open(file) //nolint:gosec // G304: the operator names the file
	if err != nil {
		return Manifest{}, fmt.Errorf("open the backup: %w", err)
	}
	defer in.Close()
	if data, err = filepath.Abs(data); err != nil {
		return Manifest{}, fmt.Errorf("find the data folder %s: %w", data, err)
	}
	there, err := vacant(data)
	if err != nil {
		return Manifest{}, err
	}
	staging, err := stage(data, there)
	if err != nil {
		return Manifest{}, err
	}
	m, err := unpack(ctx, in, staging)
	if err == nil {
		err = settle(staging, data, there)
	}
	if err != nil {
		return m, errors.Join(fmt.Errorf("restore %s: %w", file, err), os.RemoveAll(staging))
	}
	return m, nil
}

// vacant tells whether the folder exists, and fails when something is in it.
func vacant(data string) (there bool, err error) {
	entries, err := os.ReadDir(data)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look into the data folder: %w", err)
	}
	for _, e := range entries {
		if e.Name() == stagingName {
			return true, fmt.Errorf("%w: in %s lies %q, which a restore has left that was killed; remove what is in the folder",
				ErrNotEmpty, data, stagingName)
		}
		if e.Name() != "lost+found" { // every new file system has it
			return true, fmt.Errorf("%w: in %s lies %q", ErrNotEmpty, data, e.Name())
		}
	}
	return true, nil
}

// stage makes the folder in which the files wait, on the same file system as
// their place.
func stage(data string, there bool) (string, error) {
	if there {
		staging := filepath.Join(data, stagingName)
		if err := os.Mkdir(staging, 0o700); err != nil {
			return "", fmt.Errorf("make a folder to restore into: %w", err)
		}
		return staging, nil
	}
	parent := filepath.Dir(data)
	if err := os.MkdirAll(parent, 0o755); err != nil { //nolint:gosec // G301: what is secret lies in data itself
		return "", fmt.Errorf("make the folder of the data folder: %w", err)
	}
	staging, err := os.MkdirTemp(parent, "."+filepath.Base(data)+"."+stagingName+"-") // mode 0700
	if err != nil {
		return "", fmt.Errorf("make a folder to restore into: %w", err)
	}
	return staging, nil
}

// unpack fills the staging folder.
func unpack(ctx context.Context, in io.Reader, staging string) (Manifest, error) {
	m, err := read(ctx, in,
		func(m Manifest) error { return needRoom(staging, m.Size()) },
		func(f File) (io.WriteCloser, error) { return create(staging, f.Name) })
	if err != nil {
		return m, err
	}
	if err := writeDurably(filepath.Join(staging, filepath.FromSlash(appendOnlyManifest)), appendOnlyText); err != nil {
		return m, err
	}
	return m, syncTree(staging)
}

// create makes a file of a backup at its place below dir. The name has passed
// allowed, so it leads nowhere else.
func create(dir, name string) (io.WriteCloser, error) {
	full := filepath.Join(dir, filepath.FromSlash(place(name)))
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of %s: %w", name, err)
	}
	f, err := os.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: below the folder, see above
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	return durable{f}, nil
}

// durable is a file that is on the disk once it is closed without an error.
type durable struct{ *os.File }

func (d durable) Close() error { return errors.Join(d.Sync(), d.File.Close()) }

func writeDurably(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: the caller made the folder
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, durable{f}.Close())
}

// settle moves the staging folder, or what is in it, to where it belongs.
func settle(staging, data string, there bool) error {
	if !there {
		if err := os.Rename(staging, data); err != nil {
			return fmt.Errorf("put the data folder in place: %w", err)
		}
		return syncDir(filepath.Dir(data))
	}
	if err := fill(staging, data); err != nil {
		return err
	}
	return errors.Join(os.Remove(staging), syncDir(data))
}

// fill moves everything, or moves back what it has moved.
func fill(staging, data string) error {
	for i, name := range order {
		err := os.Rename(filepath.Join(staging, name), filepath.Join(data, name))
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		for _, moved := range order[:i] {
			_ = os.Rename(filepath.Join(data, moved), filepath.Join(staging, moved)) // what was not there stays away
		}
		return fmt.Errorf("put %s in place: %w", name, err)
	}
	return nil
}

// syncTree syncs every folder; the files are already.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return syncDir(path)
	})
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // G304: below the operator's folder
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Where redis-server looks for its data: the names are its defaults. It ignores
// a dump when it keeps a log of writes, so the dump becomes the base of one, and
// the log's manifest says so.
const (
	redisFolder        = "redis"
	appendOnlyBase     = "appendonly.aof.1.base.rdb"
	appendOnlyFolder   = redisFolder + "/appendonlydir/"
	appendOnlyManifest = appendOnlyFolder + "appendonly.aof.manifest"
	appendOnlyText     = "file " + appendOnlyBase + " seq 1 type b\n"
)

// order is how a data folder is filled, see Restore.
var order = []string{deploymentName, secretsName, campaignsName, DatabaseName, redisFolder} //nolint:gochecknoglobals // A constant.

// place is where a file of a backup lies in a data folder.
func place(name string) string {
	if name == dumpName {
		return appendOnlyFolder + appendOnlyBase
	}
	return name
}
