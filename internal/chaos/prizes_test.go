//go:build chaos

package chaos

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// prizeCampaign is a file in which every chance falls on one of twenty prizes, of each of
// which there is one.
func prizeCampaign(prizes, chances int) string {
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	var b strings.Builder
	fmt.Fprintf(&b, `id: lottery
title: 抽奖
opens_at: %s
closes_at: %s
groups: [{id: public, name: 公众}]
enrolment_fields: []
consent_notice: {version: "1", text: 告知}
ranking_mode: none
pledge: {prefix: LOTTERY, versions: [{version: "1", title: 承诺, text: 我承诺。}]}
prizes:
  rules: {version: "1", text: 规则}
  chances: {in_all: %d}
  claim_days: 30
  instant:
`, at(-time.Hour), at(24*time.Hour), chances)
	for i := range prizes {
		fmt.Fprintf(&b, "    - {id: prize-%d, kind: goods, name: 奖品, stock: 1, value_fen: 100, odds: %d}\n", i, 1_000_000/prizes)
	}
	b.WriteString("tree: []\n")
	return b.String()
}

// lottery is a crowd that spends chances, and remembers what it was told.
type lottery struct {
	*client

	mu   sync.Mutex
	told map[string]map[int]spent // by participant and number
	next atomic.Int64
	done atomic.Int64
}

type spent struct {
	Number int     `json:"number"`
	Won    bool    `json:"won"`
	Win    *string `json:"win"`
}

// TestPrizes: a thousand claims on twenty prizes while server and Redis are killed. At
// most twenty are won, each once, and everybody keeps what they were told.
func TestPrizes(t *testing.T) {
	t.Parallel()
	const prizes, people, each, hands = 20, 100, 10, 16
	p := New(t, Options{Name: "prizes"})
	folder := filepath.Join(p.Data, "campaigns", "lottery")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "campaign.yaml"), []byte(prizeCampaign(prizes, each)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if err := p.Start(ctx); err != nil {
		t.Fatal(err)
	}
	row := NewRow("Prizes: a thousand claims on twenty, server and Redis kill -9")
	v := Verdict{People: people}
	l := &lottery{client: newClient([]string{p.URL}, failing(t)), told: map[string]map[int]spent{}}
	defer l.close()
	var wg sync.WaitGroup
	for range hands {
		wg.Go(func() {
			for n := l.next.Add(1); n <= people && ctx.Err() == nil; n = l.next.Add(1) {
				if err := l.person(ctx, fmt.Sprint("lot", n), each); err != nil {
					t.Error(err)
				}
			}
		})
	}
	random := Random("prizes faults")
	for i := range Rounds("prizes", 4, 40) {
		Sleep(ctx, Between(random, 100*time.Millisecond, 400*time.Millisecond))
		if i%2 == 0 {
			p.Kill()
			if err := p.Spawn(); err != nil {
				t.Fatal(err)
			}
		} else if err := p.KillRedis(ctx); err != nil {
			t.Fatal(err)
		}
		row.Round(1)
	}
	wg.Wait()
	l.judge(ctx, t, p, prizes)
	v.Acknowledged = int(l.done.Load())
	row.Book(v)
}

const lotteryPath = api + "/campaigns/lottery"

// person signs in, enrols and spends every chance they have, each until they know what
// became of it.
func (l *lottery) person(ctx context.Context, who string, chances int) error {
	s, err := l.signIn(ctx, who)
	if err != nil {
		return err
	}
	enrol := request{method: http.MethodPut, path: lotteryPath + "/enrolment", token: s.AccessToken, body: encode(map[string]any{
		"group": "public", "consent": map[string]any{"notice_version": "1", "publish_name": false},
	})}
	if err := l.until(ctx, enrol, nil); err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	for n := 1; n <= chances; n++ {
		var got spent
		q := request{method: http.MethodPost, path: lotteryPath + "/prizes/chances", token: s.AccessToken, body: encode(map[string]int{"number": n})}
		if err := l.until(ctx, q, &got); err != nil {
			return fmt.Errorf("chance %d: %w", n, err)
		}
		l.mu.Lock()
		if l.told[s.AccessToken] == nil {
			l.told[s.AccessToken] = map[int]spent{}
		}
		l.told[s.AccessToken][n] = got
		l.mu.Unlock()
		l.done.Add(1)
	}
	return nil
}

// judge compares what everybody was told with what the program says now.
func (l *lottery) judge(ctx context.Context, t *testing.T, p *Program, prizes int) {
	t.Helper()
	var plan struct {
		Instant struct {
			Prizes []struct {
				ID      string `json:"id"`
				Granted int    `json:"granted"`
			} `json:"prizes"`
		} `json:"instant"`
	}
	if err := l.must(ctx, lotteryPath+"/prizes", &plan); err != nil {
		t.Fatal(err)
	}
	granted := 0
	for _, x := range plan.Instant.Prizes {
		if granted += x.Granted; x.Granted > 1 {
			t.Errorf("%d of %s were won, and there is one", x.Granted, x.ID)
		}
	}
	owners, claims := map[string]string{}, 0
	for token, told := range l.told {
		var now struct {
			Items []spent `json:"items"`
		}
		if err := l.own(ctx, session{AccessToken: token}, lotteryPath+"/prizes/chances", &now); err != nil {
			t.Fatal(err)
		}
		for _, x := range now.Items {
			was, known := told[x.Number]
			if !known || was.Won != x.Won || x.Won && *was.Win != *x.Win {
				t.Errorf("chance %d was told as %+v, and now it is %+v", x.Number, was, x)
			}
			if claims++; !x.Won {
				continue
			}
			if owners[*x.Win] != "" {
				t.Errorf("%s was won twice", *x.Win)
			}
			owners[*x.Win] = token
		}
	}
	if len(owners) != granted || granted > prizes || granted < prizes/2 {
		t.Errorf("%d wins are somebody's, %d were counted, of %d prizes", len(owners), granted, prizes)
	}
	t.Logf("%d claims, %d wins", claims, granted)
	err := poll(ctx, settleCounts, "verify to find no difference", func() (bool, error) {
		_, status, err := p.Command(ctx, "verify", "--json", "--campaign", "lottery", "--data", p.Data)
		return status == 0, err
	})
	if err != nil {
		t.Error(err)
	}
}
