package catalog

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"qingyuan/configs"
	"qingyuan/quiz"
)

// town is a whole campaign. It opens on 2026-06-01.
const town = `id: town-2026
title: 全民禁毒 # 标题
opens_at: 2026-06-01 08:00
closes_at: 2026-07-01 00:00
groups: [{id: public, name: 公众}, {id: driver, name: 驾驶员}]
enrolment_fields: [{field: unit}]
consent_notice: {version: "1", text: 告知}
ranking_mode: none
shards: 2
quiz: {bank: bank, strata: [{count: 1, points: 100}], time_limit: 10m, pass_score: 60} # 题库
pledge: {prefix: TOWN26, versions: [{version: "1", title: 承诺书, text: 我承诺。}]}
tree:
  - {id: r1, name: 一区, units: [a 甲 3, b 乙 4]}
  - {id: r2, name: 二区, units: [c 丙 5]}
`

const bank = `questions:
  - {id: q-1, kind: judge, topic: law, audience: [all, public, driver], difficulty: 1, stem: 是, key: true,
     explanation: 说明, basis: 法, valid_from: 2008-06-01}
`

// before and during are moments around the opening of town.
func before() time.Time { return time.Date(2026, 5, 1, 0, 0, 0, 0, configs.Zone()) }
func during() time.Time { return time.Date(2026, 6, 10, 0, 0, 0, 0, configs.Zone()) }

// village is a second campaign, later than town.
func village() string {
	return strings.NewReplacer("town-2026", "village-2026", "TOWN26", "VILL26", "2026-06-01", "2026-06-02").Replace(town)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// put writes a campaign and its bank into the folder of campaigns.
func put(t *testing.T, dir, id, text string) {
	t.Helper()
	write(t, filepath.Join(dir, id, configs.CampaignFile), text)
	write(t, filepath.Join(dir, id, "bank", "1.yaml"), bank)
}

// load returns the definition that text describes.
func load(t *testing.T, text string) configs.Definition {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, "x", text)
	d, err := file{dir: dir, id: "x"}.load()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// open opens a keeper at a moment before the campaigns open.
func open(t *testing.T, o Options) *Keeper {
	t.Helper()
	if o.Now == nil {
		o.Now = before
	}
	k, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func again(t *testing.T, k *Keeper) {
	t.Helper()
	if err := k.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// replace changes one thing of a text that must be there.
func replace(t *testing.T, text, old, now string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("no %q in:\n%s", old, text)
	}
	return strings.Replace(text, old, now, 1)
}

// wantProblem wants exactly one problem, with the text in it; "" wants none.
func wantProblem(t *testing.T, k *Keeper, text string) {
	t.Helper()
	problems := k.Problems()
	switch {
	case text == "" && len(problems) > 0:
		t.Errorf("problems: %v", problems)
	case text == "":
	case len(problems) != 1 || !strings.Contains(problems[0].Err.Error(), text):
		t.Errorf("problems %v, want one with %q", problems, text)
	}
}

// title returns what town is called, "" when it is not there.
func title(k *Keeper) string {
	c, err := k.Campaign("town-2026")
	if err != nil {
		return ""
	}
	return c.Title.In("zh-CN")
}

// shelf is an archive in memory that can fail.
type shelf struct {
	mu    sync.Mutex
	down  bool
	banks map[string]*quiz.Bank
	reads int
	// wait, where set, holds every read until it is closed.
	wait chan struct{}
}

var errDown = errors.New("the archive is down")

func (s *shelf) PutBank(_ context.Context, b *quiz.Bank) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errDown
	}
	if s.banks == nil {
		s.banks = map[string]*quiz.Bank{}
	}
	s.banks[b.Digest] = b
	return nil
}

func (s *shelf) Bank(_ context.Context, digest string) (*quiz.Bank, error) {
	if s.wait != nil {
		<-s.wait
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	b, ok := s.banks[digest]
	if s.down || !ok {
		return nil, errDown
	}
	return b, nil
}

func (s *shelf) set(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}
