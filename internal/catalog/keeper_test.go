package catalog

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/fault"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

func ids(k *Keeper) []string {
	var out []string
	for _, c := range k.Campaigns() {
		out = append(out, c.ID)
	}
	return out
}

func TestLookUp(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "village-2026", village())
	put(t, dir, "town-2026", town)
	bare := replace(t, replace(t, town, "town-2026", "bare-2026"), "2026-06-01", "2026-05-20")
	pledgeLine := bare[strings.Index(bare, "pledge:"):strings.Index(bare, "tree:")]
	put(t, dir, "bare-2026", strings.Replace(bare, pledgeLine, "", 1))
	quizLine := bare[strings.Index(bare, "quiz:"):strings.Index(bare, "pledge:")]
	put(t, dir, "sign-2026", strings.NewReplacer(quizLine, "", "bare-2026", "sign-2026", "TOWN26", "SIGN26").Replace(bare))
	k := open(t, Options{Dir: dir})
	wantProblem(t, k, "")
	if want := []string{"bare-2026", "sign-2026", "town-2026", "village-2026"}; !slices.Equal(ids(k), want) {
		t.Errorf("campaigns %v, want %v: in the order of their opening", ids(k), want)
	}
	q, err := k.Quiz("town-2026")
	if err != nil || q.Campaign.ID != "town-2026" || q.Rules.PassScore != 60 || len(q.Bank.Questions) != 1 {
		t.Errorf("quiz %+v, %v", q, err)
	}
	p, err := k.Pledge("village-2026")
	if err != nil || p.Prefix != "VILL26" || p.Campaign.ID != "village-2026" {
		t.Errorf("pledge %+v, %v", p, err)
	}
	if id, ok := k.CampaignByPrefix("TOWN26"); !ok || id != "town-2026" {
		t.Errorf("prefix TOWN26 is of %q", id)
	}
	if b, err := k.Bank(t.Context(), q.Bank.Digest); err != nil || b != q.Bank {
		t.Errorf("the bank in use is not at hand: %v", err)
	}

	_, errCampaign := k.Campaign("x")
	_, errQuiz := k.Quiz("x")
	_, errPledge := k.Pledge("x")
	for _, err := range []error{errCampaign, errQuiz, errPledge} {
		if !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("an unknown campaign gives %v", err)
		}
	}
	if _, err := k.Quiz("sign-2026"); !errors.Is(err, quiz.ErrNoQuiz) {
		t.Errorf("a campaign without a quiz gives %v", err)
	}
	if _, err := k.Pledge("bare-2026"); !errors.Is(err, pledge.ErrNoPledge) {
		t.Errorf("a campaign without a pledge gives %v", err)
	}
	if _, ok := k.CampaignByPrefix("NONE"); ok {
		t.Error("an unknown prefix was found")
	}
	if _, err := k.Bank(t.Context(), "none"); err == nil {
		t.Error("an unknown bank was found")
	}
}

func TestOpenWithoutFolder(t *testing.T) {
	k := open(t, Options{Dir: filepath.Join(t.TempDir(), "campaigns")})
	if len(k.Campaigns()) != 0 || len(k.Problems()) != 0 {
		t.Errorf("campaigns %v, problems %v", ids(k), k.Problems())
	}
}

// TestOpenWithFaults shows that a faulty campaign takes no other one down.
func TestOpenWithFaults(t *testing.T) {
	tests := map[string]struct {
		id, text, want string
	}{
		"faulty":       {"village-2026", "id: x\n", "village-2026/campaign.yaml:1: title: is missing"},
		"other folder": {"other-2026", village(), "id is village-2026, but the folder is other-2026"},
		"prefix":       {"village-2026", strings.Replace(village(), "VILL26", "TOWN26", 1), "pledge.prefix TOWN26 is taken by town-2026"},
		"demo's id":    {"fixed-2026", strings.Replace(village(), "village-2026", "fixed-2026", 1), "the id belongs to the demonstration"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, "town-2026", town)
			put(t, dir, tt.id, tt.text)
			write(t, filepath.Join(dir, ".hidden", configs.CampaignFile), "x")
			write(t, filepath.Join(dir, "README"), "x")
			fixed := load(t, strings.NewReplacer("town-2026", "fixed-2026", "TOWN26", "FIX26").Replace(town))
			k := open(t, Options{Dir: dir, Fixed: []configs.Definition{fixed}})
			wantProblem(t, k, tt.want)
			if want := []string{"fixed-2026", "town-2026"}; !slices.Equal(ids(k), want) {
				t.Errorf("campaigns %v, want %v", ids(k), want)
			}
		})
	}
}

// TestReload follows one campaign through good and bad changes.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "town-2026", town)
	k := open(t, Options{Dir: dir, Now: during})
	first := k.Book()
	again(t, k)
	if k.Book() != first {
		t.Error("nothing changed, but the book did")
	}

	put(t, dir, "town-2026", replace(t, town, "全民禁毒", "新标题"))
	again(t, k)
	wantProblem(t, k, "")
	if title(k) != "新标题" {
		t.Error("a change was not taken up")
	}

	put(t, dir, "town-2026", "id: town-2026\n")
	again(t, k)
	wantProblem(t, k, "town-2026/campaign.yaml:1: title: is missing")
	if title(k) != "新标题" {
		t.Error("a faulty file took the campaign down")
	}

	put(t, dir, "town-2026", replace(t, town, "shards: 2", "shards: 4"))
	again(t, k)
	wantProblem(t, k, "shards: 2 cannot become 4")

	if err := os.RemoveAll(filepath.Join(dir, "town-2026")); err != nil {
		t.Fatal(err)
	}
	again(t, k)
	wantProblem(t, k, "its files are gone")
	if title(k) != "新标题" {
		t.Error("a removed folder took the campaign down")
	}

	put(t, dir, "town-2026", town)
	put(t, dir, "village-2026", village())
	again(t, k)
	wantProblem(t, k, "")
	if want := []string{"town-2026", "village-2026"}; !slices.Equal(ids(k), want) || title(k) != "全民禁毒" {
		t.Errorf("campaigns %v, want %v", ids(k), want)
	}
}

// TestReloadKeepsPointers shows that a campaign that did not change is the same
// object, also when its neighbour changed.
func TestReloadKeepsPointers(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "town-2026", town)
	put(t, dir, "village-2026", village())
	k := open(t, Options{Dir: dir})
	was, _ := k.Campaign("town-2026")
	put(t, dir, "village-2026", village()+"# note\n")
	again(t, k)
	if is, _ := k.Campaign("town-2026"); is != was {
		t.Error("an unchanged campaign was replaced")
	}
}

// TestNewcomerTakesNothing shows that a campaign that is running keeps its
// prefix, whatever the order of the folders' names.
func TestNewcomerTakesNothing(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "town-2026", town)
	k := open(t, Options{Dir: dir})
	put(t, dir, "aaa-2026", strings.Replace(town, "town-2026", "aaa-2026", 1))
	again(t, k)
	wantProblem(t, k, "pledge.prefix TOWN26 is taken by town-2026")
	if id, _ := k.CampaignByPrefix("TOWN26"); id != "town-2026" {
		t.Errorf("prefix TOWN26 is of %q now", id)
	}
}

// TestBankChange shows that a change of the bank alone is seen, and that the old
// version stays at hand for attempts that are open.
func TestBankChange(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "town-2026", town)
	k := open(t, Options{Dir: dir})
	was, err := k.Quiz("town-2026")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "town-2026", "bank", "1.yaml"), strings.Replace(bank, "说明", "新的说明", 1))
	again(t, k)
	is, err := k.Quiz("town-2026")
	if err != nil || is.Bank.Digest == was.Bank.Digest {
		t.Fatalf("the bank is still %s: %v", was.Bank.Digest, err)
	}
	if b, err := k.Bank(t.Context(), was.Bank.Digest); err != nil || b != was.Bank {
		t.Errorf("the bank before is gone: %v", err)
	}
}

// TestArchive shows that nothing is drawn from a bank that is not archived, and
// that the archive is tried again although no file changes.
func TestArchive(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "town-2026", town)
	s := &shelf{down: true}
	k := open(t, Options{Dir: dir, Archive: s})
	wantProblem(t, k, "the archive is down")
	if len(k.Campaigns()) != 0 {
		t.Error("a campaign runs whose bank is not archived")
	}
	_, errCampaign := k.Campaign("town-2026")
	_, errQuiz := k.Quiz("town-2026")
	if !errors.Is(errCampaign, fault.ErrUnavailable) || !errors.Is(errQuiz, fault.ErrUnavailable) || !slices.Equal(k.Awaited(), []string{"town-2026"}) {
		t.Errorf("whoever asks meanwhile is told %v, %v; awaited are %v", errCampaign, errQuiz, k.Awaited())
	}
	if _, err := k.Campaign("nowhere"); !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("a campaign that there is not = %v", err)
	}
	s.set(false)
	again(t, k)
	wantProblem(t, k, "")
	if awaited := k.Awaited(); awaited != nil {
		t.Errorf("still awaited are %v", awaited)
	}
	o, err := k.Quiz("town-2026")
	if err != nil || s.banks[o.Bank.Digest] == nil {
		t.Errorf("the bank is not archived: %v", err)
	}
}

// TestOldBank shows that a bank which no campaign knows any more comes from the
// archive, once for all who ask at the same time.
func TestOldBank(t *testing.T) {
	old := load(t, town).Bank
	s := &shelf{banks: map[string]*quiz.Bank{old.Digest: old}, wait: make(chan struct{})}
	k := open(t, Options{Dir: t.TempDir(), Archive: s})

	// Whoever stops waiting gets an error, and spoils it for nobody.
	hurried, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Bank(hurried, old.Digest); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that was given up: %v", err)
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if b, err := k.Bank(t.Context(), old.Digest); err != nil || b != old {
				t.Errorf("%v, %v", b, err)
			}
		})
	}
	close(s.wait)
	wg.Wait()
	if s.reads != 1 {
		t.Errorf("%d reads of the archive, want 1", s.reads)
	}
	if _, err := k.Bank(t.Context(), "none"); !errors.Is(err, errDown) {
		t.Errorf("a bank that is not archived: %v", err)
	}
	s.banks["liar"] = old
	if _, err := k.Bank(t.Context(), "liar"); err == nil {
		t.Error("another version was taken for the one asked for")
	}
}

// signal is a log that tells a channel of each message.
type signal struct {
	slog.Handler

	messages chan string
}

func (s signal) Handle(_ context.Context, r slog.Record) error {
	s.messages <- r.Message
	return nil
}

// TestRun shows that a change is taken up without being asked for, while
// requests go on, and that Run ends with its context.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "town-2026", town)
	log := signal{slog.NewTextHandler(os.Stderr, nil), make(chan string, 8)}
	k := open(t, Options{Dir: dir, Every: time.Millisecond, Log: slog.New(log)})
	<-log.messages // loaded at the opening

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if b := k.Book(); title(k) == "" || len(b.Campaigns()) == 0 {
					t.Error("the campaign was away for a moment")
					return
				}
			}
		})
	}
	write(t, filepath.Join(dir, "village-2026", "bank", "1.yaml"), bank)
	write(t, filepath.Join(dir, "village-2026", ".new.yaml"), village())
	if err := os.Rename(filepath.Join(dir, "village-2026", ".new.yaml"), filepath.Join(dir, "village-2026", configs.CampaignFile)); err != nil {
		t.Fatal(err)
	}
	if msg := <-log.messages; msg != "campaign loaded" {
		t.Errorf("the log says %q", msg)
	}
	cancel()
	wg.Wait()
	if err := <-done; err != nil {
		t.Errorf("Run ended with %v", err)
	}
}
