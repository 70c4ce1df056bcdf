package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qingyuan/configs"
	"qingyuan/prize"
	"qingyuan/prize/draw"
)

// drawsInPublic freezes the entrants of the lottery, draws with two persons, takes the
// file off the server as anybody can, and checks it with the command: as it is, and with
// each of its fields altered.
func drawsInPublic(t *testing.T, s *server, cfg configs.Config, clerk, head api) {
	t.Helper()
	const path = "/campaigns/lottery/prizes/draws/final"
	announced := s.want(200, "GET", path, nil).text("announcement_sha256")
	asked := map[string]string{"value": "03 07 11 19 26 31 09", "reason": "与公告核对"}
	if got := clerk.want(409, "POST", "/admin"+path+"/result", asked); got.text("code") != "prize.not_frozen" {
		t.Errorf("before the freeze: %v", got)
	}
	w := bench(t, cfg)
	desk := newPrizeDesk(w.cfg, w.services, w.db, w.catalog, w.log, func() time.Time { return time.Now().Add(2 * time.Hour) })
	lottery, err := w.catalog.Prizes("lottery")
	if err != nil {
		t.Fatal(err)
	}
	desk.Plans = func() []prize.Offer { return []prize.Offer{lottery} }
	if err := desk.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	frozen := s.want(200, "GET", path, nil)
	if frozen.text("state") != "frozen" || frozen.num("entrants_count") != 8 {
		t.Fatalf("frozen: %v, want 8 entrants", frozen)
	}
	id := clerk.want(202, "POST", "/admin"+path+"/result", asked).text("approval")
	clerk.want(409, "POST", "/admin/approvals/"+id+"/approve", map[string]string{"reason": "自己"})
	head.want(200, "POST", "/admin/approvals/"+id+"/approve", map[string]string{"reason": "与公告一致"})
	s.eventually("the draw", func() bool { return s.want(200, "GET", path, nil).text("state") == "drawn" })
	if got := clerk.want(409, "POST", "/admin"+path+"/result", asked); got.text("code") != "prize.drawn" {
		t.Errorf("a second draw: %v", got)
	}
	status, _, raw := s.fetch("/api/v1" + path + "/file")
	if status != 200 {
		t.Fatalf("the file: %d", status)
	}
	noted := []string{"--root", frozen.text("entrants_root"), "--announcement", announced}
	if status, says := verifyDraw(t, raw, noted...); status != exitDone || !strings.Contains(says, "4 places and 0 redraws among 8 entrants") {
		t.Errorf("the file as it is: %d\n%s", status, says)
	}
	variants := alteredJSON(t, raw)
	if len(variants) < 40 {
		t.Fatalf("%d ways to alter the file: the test proves little", len(variants))
	}
	for name, bent := range variants {
		if status, says := verifyDraw(t, bent); status != exitFailed {
			t.Errorf("%s: %d\n%s", name, status, says)
		}
	}
	if status, says := verifyDraw(t, withoutFirst(t, raw), noted...); status != exitFailed || !strings.Contains(says, "entrants_root") {
		t.Errorf("a sound draw of fewer entrants: %d\n%s", status, says)
	}
}

// verifyDraw runs the command on a file.
func verifyDraw(t *testing.T, raw []byte, flags ...string) (status int, says string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "draw.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	status = run(env{ctx: t.Context(), stdout: &out, stderr: &out}, slices.Concat([]string{"draw", "verify", file}, flags))
	return status, out.String()
}

// withoutFirst draws anew without the first entrant: a file that is sound in itself.
func withoutFirst(t *testing.T, raw []byte) []byte {
	t.Helper()
	f, err := draw.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	other, err := draw.New(f.Announcement, draw.Frozen{Entrants: f.Entrants[1:], Excluded: f.Excluded}, f.Secret, f.Value)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := other.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// alteredJSON alters each value of a document alone, and each list by an entry more, an
// entry less and two that change places.
func alteredJSON(t *testing.T, raw []byte) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	write := func(name string) {
		bent, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = bent
	}
	var walk func(name string, v any, set func(any))
	walk = func(name string, v any, set func(any)) {
		bend := func(what string, to any) {
			set(to)
			write(name + " " + what)
			set(v)
		}
		switch v := v.(type) {
		case map[string]any:
			bend("with a field more", withField(v))
			for key, field := range v {
				walk(name+"."+key, field, func(to any) { v[key] = to })
			}
		case []any:
			bend("with an entry more", append(slices.Clone(v), "0000000000000000"))
			if len(v) > 0 {
				bend("with an entry less", v[:len(v)-1])
			}
			if len(v) > 1 {
				bend("in another order", append([]any{v[1], v[0]}, v[2:]...))
			}
			for i := range v {
				walk(fmt.Sprint(name, ".", i), v[i], func(to any) { v[i] = to })
			}
		case string:
			last := "0"
			if strings.HasSuffix(v, last) {
				last = "1"
			}
			bend("in its last sign", v[:max(len(v)-1, 0)]+last)
		case float64:
			bend("one more", v+1)
		}
	}
	walk("", doc, func(to any) { doc = to })
	return out
}

func withField(v map[string]any) map[string]any {
	out := map[string]any{"another": 1}
	maps.Copy(out, v)
	return out
}
