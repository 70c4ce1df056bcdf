package catalog

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/configs"
)

// source writes a campaign as its author keeps it, the bank beside or apart,
// and returns the file.
func source(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "desk", "town.yaml"), text)
	for _, at := range []string{"desk/bank/1.yaml", "banks/题库 一/1.yaml", "banks/one.yaml"} {
		write(t, filepath.Join(dir, filepath.FromSlash(at)), bank)
	}
	return filepath.Join(dir, "desk", "town.yaml")
}

func TestApply(t *testing.T) {
	tests := map[string]struct{ ref, base string }{
		"beside": {"bank: bank", "bank"},
		"apart":  {`bank: "../banks/题库 一"`, "题库 一"},
		"a file": {"bank: ../banks/one.yaml", "one.yaml"},
		"quoted": {"bank: 'bank'", "bank"},
		"longer": {"bank: ./../desk/bank", "bank"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			text := replace(t, town, "bank: bank", tt.ref)
			dir := filepath.Join(t.TempDir(), "campaigns")
			d, err := Apply(dir, source(t, text), before())
			if err != nil {
				t.Fatal(err)
			}
			k := open(t, Options{Dir: dir})
			wantProblem(t, k, "")
			got, ok := k.Book().Definition("town-2026")
			if !ok || got.Digest != d.Digest || got.Bank.Digest != d.Bank.Digest {
				t.Fatalf("what was applied is not what is read: %v", ids(k))
			}
			raw, err := os.ReadFile(filepath.Join(dir, "town-2026", configs.CampaignFile))
			if err != nil {
				t.Fatal(err)
			}
			quote := strings.Trim(tt.ref[len("bank: "):len("bank: ")+1], "abcdefghijklmnopqrstuvwxyz./")
			want := replace(t, text, tt.ref, "bank: "+quote+"banks/"+d.Bank.Digest+"/"+tt.base+quote)
			if diff := cmp.Diff(want, string(raw)); diff != "" {
				t.Errorf("more than the bank was rewritten (-want +got):\n%s", diff)
			}
			wantClean(t, dir)
		})
	}
}

// wantClean wants no temporary files, and nothing that others may read: a bank
// has the keys.
func wantClean(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if hidden(e.Name()) || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is left, or has mode %o", name, info.Mode().Perm())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestApplyAgain(t *testing.T) {
	dir := t.TempDir()
	file := source(t, town)
	first, err := Apply(dir, file, before())
	if err != nil {
		t.Fatal(err)
	}
	k := open(t, Options{Dir: dir, Now: during})
	book := k.Book()
	if again, err := Apply(dir, file, during()); err != nil || again.Digest != first.Digest {
		t.Errorf("the same once more: %v", err)
	}
	again(t, k)
	if a, b := mustCampaign(t, book), mustCampaign(t, k.Book()); a != b {
		t.Error("applying the same changed the campaign")
	}

	write(t, filepath.Join(filepath.Dir(file), "bank", "1.yaml"), strings.Replace(bank, "说明", "新的说明", 1))
	next, err := Apply(dir, file, during())
	if err != nil || next.Bank.Digest == first.Bank.Digest {
		t.Fatalf("a new bank: %v", err)
	}
	again(t, k)
	wantProblem(t, k, "")
	if o, err := k.Quiz("town-2026"); err != nil || o.Bank.Digest != next.Bank.Digest {
		t.Errorf("the new bank is not in use: %v", err)
	}
}

func mustCampaign(t *testing.T, b *Book) any {
	t.Helper()
	c, err := b.Campaign("town-2026")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestApplyRefuses(t *testing.T) {
	tests := map[string]struct {
		old, new string
		at       time.Time
		want     string
	}{
		"faulty":  {"ranking_mode: none", "ranking_mode: all", before(), "town.yaml:8: ranking_mode:"},
		"shards":  {"shards: 2", "shards: 4", before(), "shards: 2 cannot become 4"},
		"opening": {"2026-06-01", "2026-06-20", during(), "opens_at: cannot change"},
		"prefix":  {"town-2026", "city-2026", before(), "campaign city-2026: pledge.prefix TOWN26 is taken by town-2026"},
		"no bank": {"bank: bank", "bank: none", before(), "town.yaml:10: quiz.bank:"},
		"escapes": {"bank: bank", `bank: "ban\x6b"`, before(), "without escapes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, "town-2026", town)
			_, err := Apply(dir, source(t, replace(t, town, tt.old, tt.new)), tt.at)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("%v, want %q", err, tt.want)
			}
			raw, err := os.ReadFile(filepath.Join(dir, "town-2026", configs.CampaignFile))
			if err != nil || string(raw) != town {
				t.Errorf("a refused campaign changed the installed one: %v", err)
			}
			if entries, _ := os.ReadDir(dir); len(entries) != 1 {
				t.Errorf("a refused campaign left %v", entries)
			}
		})
	}
}

// TestApplyMends shows that a faulty state can be replaced by a good one.
func TestApplyMends(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "town-2026", "id: [\n")
	put(t, dir, "village-2026", "nothing\n")
	if _, err := Apply(dir, source(t, town), during()); err != nil {
		t.Error(err)
	}
}

// TestApplySpoiltBank shows that a bank whose installed files were edited is
// noticed, instead of being taken for the version its folder names.
func TestApplySpoiltBank(t *testing.T) {
	dir := t.TempDir()
	file := source(t, town)
	d, err := Apply(dir, file, before())
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "town-2026", "banks", d.Bank.Digest, "bank", "1.yaml"), strings.Replace(bank, "说明", "改过", 1))
	if _, err := Apply(dir, file, before()); err == nil || !strings.Contains(err.Error(), "were changed: remove that folder") {
		t.Errorf("an edited bank: %v", err)
	}
}

// TestApplyRelative shows that faults are told by the name that was given.
func TestApplyRelative(t *testing.T) {
	file := source(t, replace(t, town, "shards: 2", "shards: 3"))
	t.Chdir(filepath.Dir(filepath.Dir(file)))
	_, err := Apply(t.TempDir(), filepath.Join("desk", "town.yaml"), before())
	if want := filepath.Join("desk", "town.yaml") + ":9: shards: 3 is not a power of two"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}
