package backup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/internal/backup"
)

// contents is a small data folder as a backup names its files.
func contents() map[string]string {
	return map[string]string{
		"deployment": "d1\n", "secrets.yaml": "master: x\n", "campaigns/a/campaign.yaml": "id: a\n", "campaigns/a/banks/b/题库.csv": "1,2\n",
		"qingyuan.db": "SQLite format 3\x00", "redis.rdb": "REDIS0010",
	}
}

func parts(files map[string]string) []backup.Part {
	var out []backup.Part
	for _, name := range slices.Sorted(maps.Keys(files)) {
		out = append(out, backup.Part{Name: name, Content: bytes.NewReader([]byte(files[name])), Size: int64(len(files[name]))})
	}
	return out
}

func written(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	m := backup.Manifest{
		Program: "v1", Created: time.Unix(1_800_000_000, 0).UTC(), Deployment: "d1",
		Cursors: []backup.Cursor{{Campaign: "a", Shard: 0, Stream: "facts", Position: "1-41"}},
	}
	if _, err := backup.Write(t.Context(), &b, m, parts(files)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// kept reads a backup into memory.
func kept(ctx context.Context, raw []byte) (backup.Manifest, map[string]string, error) {
	got := map[string]*memory{}
	m, err := backup.Read(ctx, bytes.NewReader(raw), func(f backup.File) io.WriteCloser {
		got[f.Name] = &memory{}
		return got[f.Name]
	})
	texts := map[string]string{}
	for name, b := range got {
		texts[name] = b.String()
	}
	return m, texts, err
}

type memory struct{ bytes.Buffer }

func (*memory) Close() error { return nil }

func TestReadsWhatWasWritten(t *testing.T) {
	t.Parallel()
	m, got, err := kept(t.Context(), written(t, contents()))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(contents(), got); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
	if m.Deployment != "d1" || m.Program != "v1" || len(m.Cursors) != 1 || m.Cursors[0].Position != "1-41" {
		t.Errorf("manifest = %+v", m)
	}
}

// refused tells a backup that is at fault from one that could not be read.
func refused(err error) bool {
	return errors.Is(err, backup.ErrDamaged) || errors.Is(err, backup.ErrNotBackup) || errors.Is(err, backup.ErrVersion)
}

// TestEveryByteMatters turns one byte after the other around.
func TestEveryByteMatters(t *testing.T) {
	t.Parallel()
	whole := written(t, contents())
	for at := range whole {
		raw := bytes.Clone(whole)
		raw[at] ^= 0xff
		if _, _, err := kept(t.Context(), raw); !refused(err) {
			t.Errorf("with byte %d of %d turned around: %v, want a refusal", at, len(whole), err)
		}
	}
}

func TestCutAnywhereIsRefused(t *testing.T) {
	t.Parallel()
	whole := written(t, contents())
	for length := range whole {
		if _, _, err := kept(t.Context(), whole[:length]); !refused(err) {
			t.Errorf("cut to %d of %d bytes: %v, want a refusal", length, len(whole), err)
		}
	}
}

func TestNothingMayFollow(t *testing.T) {
	t.Parallel()
	whole := written(t, contents())
	for name, more := range map[string][]byte{"a byte": {0}, "another backup": whole} {
		if _, _, err := kept(t.Context(), append(bytes.Clone(whole), more...)); !errors.Is(err, backup.ErrDamaged) {
			t.Errorf("followed by %s: %v, want %v", name, err, backup.ErrDamaged)
		}
	}
}

// forgery is an archive that no Write would make.
type forgery struct {
	manifest map[string]any // merged over a right one
	entries  []tar.Header   // what follows instead of the files
}

// files is what a forged manifest lists.
func files(names ...string) []map[string]any {
	var list []map[string]any
	for _, name := range names {
		sum := sha256.Sum256([]byte("x"))
		list = append(list, map[string]any{"name": name, "size": 1, "sha256": hex.EncodeToString(sum[:])})
	}
	return list
}

func (f forgery) write(t *testing.T) []byte {
	t.Helper()
	m := map[string]any{
		"format": "qingyuan backup", "version": 1, "program": "v1", "created": "2027-01-15T08:00:00Z", "deployment": "d1",
		"cursors": nil, "files": files("deployment", "qingyuan.db", "redis.rdb"),
	}
	maps.Copy(m, f.manifest)
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(h tar.Header, content []byte) {
		if h.Mode = 0o600; h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if m["format"] != nil {
		add(tar.Header{Name: "manifest.json", Size: int64(len(raw))}, raw)
	}
	for _, h := range f.entries {
		content := bytes.Repeat([]byte("x"), int(h.Size))
		add(h, content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return zipped(t, b.Bytes())
}

func entries(names ...string) []tar.Header {
	var list []tar.Header
	for _, name := range names {
		list = append(list, tar.Header{Name: name, Size: 1})
	}
	return list
}

func TestForgedBackups(t *testing.T) {
	t.Parallel()
	full := []string{"deployment", "qingyuan.db", "redis.rdb"}
	with := func(name string) forgery {
		names := append([]string{name}, full...)
		return forgery{map[string]any{"files": files(names...)}, entries(names...)}
	}
	for name, tc := range map[string]struct {
		forgery

		want error
	}{
		"a right one":            {forgery{nil, entries(full...)}, nil},
		"a file below campaigns": {with("campaigns/a/b.csv"), nil},
		"another format":         {forgery{map[string]any{"format": "other"}, entries(full...)}, backup.ErrNotBackup},
		"a later version":        {forgery{map[string]any{"version": 2}, entries(full...)}, backup.ErrVersion},
		"an unknown field":       {forgery{map[string]any{"more": 1}, entries(full...)}, backup.ErrDamaged},
		"no manifest":            {forgery{map[string]any{"format": nil}, entries(full...)}, backup.ErrNotBackup},
		"a file too few":         {forgery{nil, entries(full[:2]...)}, backup.ErrDamaged},
		"a file too many":        {forgery{nil, entries(append(full, "campaigns/x")...)}, backup.ErrDamaged},
		"another order":          {forgery{nil, entries("redis.rdb", "qingyuan.db", "deployment")}, backup.ErrDamaged},
		"no dump listed":         {forgery{map[string]any{"files": files(full[:2]...)}, entries(full[:2]...)}, backup.ErrDamaged},
		"a name twice":           {with("redis.rdb"), backup.ErrDamaged},
		"an unknown name":        {with("redis.conf"), backup.ErrDamaged},
		"a way out":              {with("campaigns/../../x"), backup.ErrDamaged},
		"a way up":               {with("../x"), backup.ErrDamaged},
		"an absolute name":       {with("/etc/passwd"), backup.ErrDamaged},
		"a hidden name":          {with("campaigns/.x"), backup.ErrDamaged},
		"a backslash":            {with(`campaigns/..\x`), backup.ErrDamaged},
		"an empty part":          {with("campaigns//x"), backup.ErrDamaged},
		"a folder":               {forgery{map[string]any{"files": files("campaigns/")}, nil}, backup.ErrDamaged},
		"larger than announced": {forgery{nil, []tar.Header{
			{Name: "deployment", Size: 1}, {Name: "qingyuan.db", Size: 1 << 20}, {Name: "redis.rdb", Size: 1},
		}}, backup.ErrDamaged},
		"a link": {forgery{nil, []tar.Header{
			{Name: "deployment", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, {Name: "qingyuan.db", Size: 1}, {Name: "redis.rdb", Size: 1},
		}}, backup.ErrDamaged},
		"a negative size": {forgery{map[string]any{"files": append(files("deployment", "qingyuan.db"),
			map[string]any{"name": "redis.rdb", "size": -1, "sha256": ""})}, entries(full...)}, backup.ErrDamaged},
		"sizes without a sum": {forgery{map[string]any{"files": append(files("deployment"),
			map[string]any{"name": "qingyuan.db", "size": math.MaxInt64, "sha256": ""},
			map[string]any{"name": "redis.rdb", "size": math.MaxInt64, "sha256": ""})}, entries(full...)}, backup.ErrDamaged},
		"another digest": {forgery{map[string]any{"files": append(files("deployment", "qingyuan.db"),
			map[string]any{"name": "redis.rdb", "size": 1, "sha256": "00"})}, entries(full...)}, backup.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := kept(t.Context(), tc.write(t)); !errors.Is(err, tc.want) {
				t.Errorf("read = %v, want %v", err, tc.want)
			}
		})
	}
}

func TestWriteRefusesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"redis.rdb", "deployment", "qingyuan.db"} {
		files := contents()
		delete(files, name)
		if _, err := backup.Write(t.Context(), io.Discard, backup.Manifest{}, parts(files)); err == nil {
			t.Errorf("a backup without %s was written", name)
		}
	}
	files := contents()
	files["campaigns/.hidden"] = "x"
	if _, err := backup.Write(t.Context(), io.Discard, backup.Manifest{}, parts(files)); err == nil {
		t.Error("a backup with a hidden file was written")
	}
}

// TestStopsWhenTold makes sure that neither way goes on after its context.
func TestStopsWhenTold(t *testing.T) {
	t.Parallel()
	whole := written(t, contents())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := backup.Write(ctx, io.Discard, backup.Manifest{}, parts(contents())); !errors.Is(err, context.Canceled) {
		t.Errorf("Write = %v, want %v", err, context.Canceled)
	}
	if _, _, err := kept(ctx, whole); !errors.Is(err, context.Canceled) {
		t.Errorf("read = %v, want %v", err, context.Canceled)
	}
}

// FuzzManifest looks for a manifest that is accepted and would put a file
// elsewhere than into the data folder, or two into one place.
func FuzzManifest(f *testing.F) {
	for _, name := range []string{"campaigns/a.csv", "campaigns/../a", "../a", "/a", "campaigns//a", "redis.rdb"} {
		raw, err := json.Marshal(map[string]any{
			"format": "qingyuan backup", "version": 1, "files": files(name, "deployment", "qingyuan.db", "redis.rdb"),
		})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := backup.ParseManifest(raw)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, file := range m.Files {
			at := backup.Place(file.Name)
			if !filepath.IsLocal(at) || filepath.Clean(at) != at || seen[at] || file.Size < 0 {
				t.Errorf("a manifest puts %q with %d bytes at %q", file.Name, file.Size, at)
			}
			seen[at] = true
		}
	})
}

func zipped(t *testing.T, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(raw)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
