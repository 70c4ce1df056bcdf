//go:build chaos

package chaos

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// shim is a disk for redis-server that writes down what was really synced, can
// be slowed down, and can lie: see testdata/disk.c. It needs no privileges.
type shim struct {
	// Binary is to be run in place of redis-server.
	Binary string

	log, grave, delay, lies string
}

// compileShim makes the library once a run.
var compileShim = sync.OnceValues(func() (string, error) {
	const how = "the chaos tests need a C compiler; on Debian: apt-get install gcc libc6-dev"
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, how)
	}
	library := filepath.Join(run.dir, "disk.so")
	out, err := exec.Command(gcc, "-O2", "-Wall", "-Werror", "-Wno-unused-result", "-shared", "-fPIC", "-o", library,
		filepath.Join("testdata", "disk.c"), "-ldl").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("compile the disk: %w: %s\n%s", err, how, out)
	}
	return library, nil
})

// newShim makes a disk below dir, which must lie on the file system of the data
// if it is to be Cut.
func newShim(t testing.TB, dir string) *shim {
	t.Helper()
	library, err := compileShim()
	if err != nil {
		t.Fatal(err)
	}
	server, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatalf("%v: `make test` installs it", err)
	}
	s := &shim{
		Binary: filepath.Join(dir, "redis-on-disk"), log: filepath.Join(dir, "disk.log"),
		grave: filepath.Join(dir, "grave"), delay: filepath.Join(dir, "disk.delay"), lies: filepath.Join(dir, "disk.lies"),
	}
	script := fmt.Sprintf("#!/bin/sh\nLD_PRELOAD=%q DISK_LOG=%q DISK_GRAVE=%q DISK_DELAY=%q DISK_LIES=%q exec %q \"$@\"\n",
		library, s.log, s.grave, s.delay, s.lies, server)
	if err := errors.Join(os.Mkdir(s.grave, 0o700), os.WriteFile(s.Binary, []byte(script), 0o700)); err != nil {
		t.Fatal(err)
	}
	return s
}

// Slow delays every sync from now on; 0 makes the disk quick again.
func (s *shim) Slow(ms int) error {
	if ms == 0 {
		return os.Remove(s.delay)
	}
	draft := s.delay + ".new"
	if err := os.WriteFile(draft, []byte(strconv.Itoa(ms)), 0o600); err != nil {
		return err
	}
	return os.Rename(draft, s.delay)
}

// Lie makes the disk acknowledge syncs that it does not make.
func (s *shim) Lie() error { return os.WriteFile(s.lies, nil, 0o600) }

// synced is what the log says is on the disk.
type synced struct {
	size    map[uint64]int64             // of files, by inode
	folders map[string]map[string]uint64 // inodes by name
}

// read reads the log. A line that was cut off by the kill is an entry that was
// never promised to anybody.
func (s *shim) read() (synced, error) {
	d := synced{size: map[uint64]int64{}, folders: map[string]map[string]uint64{}}
	file, err := os.Open(s.log)
	if err != nil {
		return d, err
	}
	defer func() { _ = file.Close() }()
	var folder string
	var names map[string]uint64
	for lines := bufio.NewScanner(file); lines.Scan(); {
		kind, rest, _ := strings.Cut(lines.Text(), " ")
		switch kind {
		case "F":
			var dev, inode uint64
			var size int64
			if _, err := fmt.Sscan(rest, &dev, &inode, &size); err != nil {
				return d, fmt.Errorf("log of the disk: %q: %w", rest, err)
			}
			d.size[inode] = size
		case "D":
			folder, names = rest, map[string]uint64{}
		case "E":
			inode, name, _ := strings.Cut(rest, " ")
			if names[name], err = strconv.ParseUint(inode, 10, 64); err != nil {
				return d, fmt.Errorf("log of the disk: %q: %w", rest, err)
			}
		case ".":
			d.folders[folder] = names
		}
	}
	return d, nil
}

// Cut leaves of every synced folder what a loss of power leaves for certain: the
// names as of its last sync, and of every file what was synced. Of what was added
// to the end of a file since, a part stays where some is not nil: a disk may have
// written more than it was asked to. No redis-server may run.
func (s *shim) Cut(some *rand.Rand) error {
	d, err := s.read()
	if err != nil {
		return err
	}
	for folder, names := range d.folders {
		if err := s.cutFolder(folder, names, d, some); err != nil {
			return fmt.Errorf("cut %s: %w", folder, err)
		}
	}
	return s.begin(d.folders)
}

func (s *shim) cutFolder(folder string, names map[string]uint64, d synced, some *rand.Rand) error {
	where, err := inodes(folder, s.grave)
	if err != nil {
		return err
	}
	durable := folder + ".cut"
	if err := os.Mkdir(durable, 0o700); err != nil {
		return err
	}
	for name, inode := range names {
		path, ok := where[inode]
		if !ok {
			return fmt.Errorf("%s was synced as inode %d, which nobody has", name, inode)
		}
		to := filepath.Join(durable, name)
		if err := errors.Join(os.Link(path, to), cutFile(to, d.size[inode], some)); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(folder), os.Rename(durable, folder))
}

// cutFile leaves size bytes of a file, and perhaps some more that were there.
func cutFile(path string, size int64, some *rand.Rand) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	more := info.Size() - size
	if more <= 0 {
		return nil
	}
	if some != nil {
		size += some.Int64N(more + 1)
	}
	return os.Truncate(path, size)
}

// begin empties log and grave: what lies in the folders now is on the disk.
func (s *shim) begin(folders map[string]map[string]uint64) error {
	var log strings.Builder
	for folder := range folders {
		where, err := inodes(folder)
		if err != nil {
			return err
		}
		fmt.Fprintf(&log, "D %s\n", folder)
		for inode, path := range where {
			fmt.Fprintf(&log, "E %d %s\n", inode, filepath.Base(path))
		}
		log.WriteString(".\n")
		for inode, path := range where {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&log, "F 0 %d %d %s\n", inode, info.Size(), path)
		}
	}
	return errors.Join(os.RemoveAll(s.grave), os.Mkdir(s.grave, 0o700), os.WriteFile(s.log, []byte(log.String()), 0o600))
}

// inodes finds the files of some folders.
func inodes(folders ...string) (map[uint64]string, error) {
	found := map[uint64]string{}
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				return nil, err
			}
			if st, ok := info.Sys().(*syscall.Stat_t); ok && info.Mode().IsRegular() {
				found[st.Ino] = filepath.Join(folder, e.Name())
			}
		}
	}
	return found, nil
}
