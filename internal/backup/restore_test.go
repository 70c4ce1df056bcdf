package backup_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qingyuan/internal/backup"
)

// laid is what a restored folder holds.
func laid() map[string]string {
	files := contents()
	files["redis/appendonlydir/appendonly.aof.1.base.rdb"] = files["redis.rdb"]
	files["redis/appendonlydir/appendonly.aof.manifest"] = "file appendonly.aof.1.base.rdb seq 1 type b\n"
	delete(files, "redis.rdb")
	return files
}

// found returns every file below dir, and fails unless all are for us alone.
func found(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && path != dir && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		got[filepath.ToSlash(rel)] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func fileOf(t *testing.T, raw []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "backup")
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestRestoreLaysOut(t *testing.T) {
	t.Parallel()
	file := fileOf(t, written(t, contents()))
	for name, prepare := range map[string]func(t *testing.T, dir string){
		"a missing folder":            func(*testing.T, string) {},
		"an empty folder":             func(t *testing.T, dir string) { t.Helper(); mkdir(t, dir) },
		"the root of an empty volume": func(t *testing.T, dir string) { t.Helper(); mkdir(t, dir); mkdir(t, filepath.Join(dir, "lost+found")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			dir := filepath.Join(parent, "data")
			prepare(t, dir)
			if _, err := backup.Restore(t.Context(), file, dir); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(laid(), found(t, dir)); d != "" {
				t.Errorf("files (-want +got):\n%s", d)
			}
			if left, _ := os.ReadDir(parent); len(left) != 1 {
				t.Errorf("beside the data folder lie %v", left)
			}
			if _, err := os.Stat(filepath.Join(dir, "restoring")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the staging folder is still there: %v", err)
			}
		})
	}
}

func TestRestoreLeavesAloneWhatIsThere(t *testing.T) {
	t.Parallel()
	file := fileOf(t, written(t, contents()))
	for _, name := range []string{"deployment", "notes.txt", "restoring"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Restore(t.Context(), file, dir); !errors.Is(err, backup.ErrNotEmpty) {
			t.Errorf("with %s in the folder: %v, want %v", name, err, backup.ErrNotEmpty)
		}
		if d := cmp.Diff(map[string]string{name: "mine"}, found(t, dir)); d != "" {
			t.Errorf("the folder was touched (-want +got):\n%s", d)
		}
	}
}

// TestRestoreOfDamagedLeavesNothing damages the last file's content, so that
// everything else has been laid out when it is noticed.
func TestRestoreOfDamagedLeavesNothing(t *testing.T) {
	t.Parallel()
	whole := written(t, contents())
	for name, raw := range map[string][]byte{
		"cut": whole[:len(whole)-4], "a flipped byte": flipped(whole), "no backup": []byte("hello"), "nothing": nil,
	} {
		for _, there := range []bool{false, true} {
			parent := t.TempDir()
			dir := filepath.Join(parent, "data")
			if there {
				mkdir(t, dir)
			}
			_, err := backup.Restore(t.Context(), fileOf(t, raw), dir)
			if !refused(err) {
				t.Errorf("%s: %v, want a refusal", name, err)
			}
			if left := found(t, parent); len(left) != 0 {
				t.Errorf("%s: %v was left", name, left)
			}
			if _, err := os.Stat(dir); there != (err == nil) {
				t.Errorf("%s: the folder was there: %t; afterwards %v", name, there, err)
			}
		}
	}
}

// TestRestoreNeedsRoom announces more than any disk holds.
func TestRestoreNeedsRoom(t *testing.T) {
	t.Parallel()
	raw := forgery{map[string]any{"files": append(files("deployment", "qingyuan.db"),
		map[string]any{"name": "redis.rdb", "size": int64(1) << 59, "sha256": ""})}, entries("deployment")}.write(t)
	parent := t.TempDir()
	_, err := backup.Restore(t.Context(), fileOf(t, raw), filepath.Join(parent, "data"))
	if err == nil || !strings.Contains(err.Error(), "MB free") {
		t.Errorf("Restore = %v, want how much room there is", err)
	}
	if left, _ := os.ReadDir(parent); len(left) > 0 {
		t.Errorf("%v was left", left)
	}
}

func flipped(raw []byte) []byte {
	raw = append([]byte(nil), raw...)
	raw[len(raw)-6] ^= 1 // in the checksum
	return raw
}

func TestRestoreOfNoFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := backup.Restore(t.Context(), filepath.Join(t.TempDir(), "none"), dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Restore = %v, want %v", err, fs.ErrNotExist)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the data folder was made: %v", err)
	}
}

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}
