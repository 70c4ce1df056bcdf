package spool_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qingyuan/internal/spool"
)

func files(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func open(t *testing.T, path string) *spool.Dir {
	t.Helper()
	d, err := spool.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTake(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "made", "here")
	d := open(t, path)
	want := bytes.Repeat([]byte("一行\n"), 100_000)
	f, err := d.Take(bytes.NewReader(want), int64(len(want)))
	if err != nil {
		t.Fatal(err)
	}
	if left := files(t, path); len(left) > 0 {
		t.Errorf("others can find %q", left)
	}
	for range 2 { // as often as needed
		got, err := io.ReadAll(f)
		if err != nil || !bytes.Equal(got, want) || f.Size() != int64(len(want)) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			t.Error(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestTakeRefuses(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := open(t, path)
	broken := errors.New("broken off")
	for name, c := range map[string]struct {
		r    io.Reader
		want error
	}{
		"less":   {strings.NewReader("123"), spool.ErrSize},
		"more":   {strings.NewReader("12345"), spool.ErrSize},
		"broken": {io.MultiReader(strings.NewReader("12"), failing{broken}), broken},
	} {
		if f, err := d.Take(c.r, 4); f != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left := files(t, path); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestOpenTidiesUp finds what a process that was killed left, and touches nothing else.
func TestOpenTidiesUp(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for _, name := range []string{"upload-1", "upload-2", "other"} {
		if err := os.WriteFile(filepath.Join(path, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open(t, path)
	if left := files(t, path); len(left) != 1 || filepath.Base(left[0]) != "other" {
		t.Errorf("left: %q", left)
	}
	if _, err := spool.Open(filepath.Join(path, "other")); err == nil {
		t.Error("a file is taken for a folder")
	}
}
