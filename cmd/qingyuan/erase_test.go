package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/session"
)

// sealedBlobs returns everything that is sealed for a participant in the ledger.
func sealedBlobs(t *testing.T, w *workbench, participant string) [][]byte {
	t.Helper()
	return blobs(t, w, "SELECT sealed FROM personal WHERE participant = $1 AND sealed IS NOT NULL", participant)
}

// blobs are the bytes of a column.
func blobs(t *testing.T, w *workbench, query string, args ...any) [][]byte {
	t.Helper()
	rows, err := w.db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out [][]byte
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// filesWith lists the files below a folder that hold one of the blobs.
func filesWith(t *testing.T, dir string, blobs [][]byte) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, b := range blobs {
			if bytes.Contains(text, b[len(b)/4:]) { // without the id of the key
				out = append(out, path)
				break
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestInvariant10Erasure takes one person's data away beside a running server:
// their name is gone from the public page, from both databases and from their
// files, and every fact, count and receipt is as before.
func TestInvariant10Erasure(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	people := gathering(t, s)
	p := people[0]
	participant := s.want(200, "POST", "/sessions/sandbox", map[string]string{"name": "first"}).object("participant").text("id")
	w := bench(t, cfg)
	blobs := sealedBlobs(t, w, participant)
	if len(blobs) < 2 || len(filesWith(t, cfg.Data.Dir, blobs)) == 0 {
		t.Fatalf("%d sealed records and no file that holds one: nothing would be proved", len(blobs))
	}
	facts := historyOf(t, w, participant)
	if name := p.want(200, "GET", "/signatures/"+p.serial, nil).text("name"); name != "张*" {
		t.Fatalf("the public page says %s", name)
	}

	if out := mustRun(t, "erase", "--data", cfg.Data.Dir, "--participant", participant); !strings.Contains(out, demoCampaign) {
		t.Errorf("erase says %s", out)
	}
	if name := p.want(200, "GET", "/signatures/"+p.serial, nil).text("name"); name != "匿名" {
		t.Errorf("the public page still says %s", name)
	}
	if left := sealedBlobs(t, w, participant); len(left) > 0 {
		t.Errorf("%d records are still sealed in the ledger", len(left))
	}
	if files := filesWith(t, cfg.Data.Dir, blobs); len(files) > 0 {
		t.Errorf("files still hold a record: %v", files)
	}
	if left := historyOf(t, w, participant); !reflect.DeepEqual(left[:len(facts)], facts) || len(left) != len(facts)+1 {
		t.Errorf("facts are\n%v, before\n%v and an erasure", left, facts)
	}
	s.eventually("the session to end", func() bool {
		status, _, err := p.call("GET", demoPath+"/me", nil)
		return err == nil && status == 401
	})
	p.token = s.as("first").token
	p.requireKept(s.base)
	s.wantCounts(demoCampaign, map[string]float64{"enrolled": 3, "participants": 3, "attempts": 3, "signatures": 3})
	mustRun(t, "verify", "--data", cfg.Data.Dir)
	if status, _, _ := command(t, "erase", "--data", cfg.Data.Dir, "--participant", participant); status != exitFailed {
		t.Errorf("erasing again = %d, want it to say that nothing is left", status)
	}

	// Rebuilt from what is left, it looks the same.
	mustRun(t, "rebuild", "--data", cfg.Data.Dir)
	s.eventually("the campaign to be taken up again", func() bool {
		status, r, err := p.call("GET", "/signatures/"+p.serial, nil)
		return err == nil && status == 200 && r.text("name") == "匿名"
	})
	mustRun(t, "verify", "--data", cfg.Data.Dir)
}

func historyOf(t *testing.T, w *workbench, participant string) []any {
	t.Helper()
	if err := w.drainAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	h, err := w.ledger.History(t.Context(), ledger.Shard{Campaign: demoCampaign}, participant)
	if err != nil {
		t.Fatal(err)
	}
	var out []any
	for _, f := range h.Facts {
		out = append(out, f)
	}
	return out
}

// TestInvariant10ErasureOfWhoCameTwice: a person whose door was moved from one id to
// another has left data under both, and whichever is named, nothing of it stays.
func TestInvariant10ErasureOfWhoCameTwice(t *testing.T) {
	t.Parallel()
	for _, named := range []string{"the old id", "the new id"} {
		t.Run(named, func(t *testing.T) {
			t.Parallel()
			cfg := demo(t)
			s := start(t, cfg)
			act(s.api, "first")
			act(s.api, "second")
			act(s.api, "somebody else")
			id := func(name string) string {
				return s.want(200, "POST", "/sessions/sandbox", map[string]string{"name": name}).object("participant").text("id")
			}
			was, is, other := id("first"), id("second"), id("somebody else")
			w := bench(t, cfg)
			moveDoors(t, w, was, is)
			blobs := slices.Concat(sealedBlobs(t, w, was), sealedBlobs(t, w, is))
			if len(blobs) < 5 {
				t.Fatalf("%d sealed records: nothing would be proved", len(blobs))
			}
			kept := len(sealedBlobs(t, w, other))

			participant := map[string]string{"the old id": was, "the new id": is}[named]
			out := mustRun(t, "erase", "--data", cfg.Data.Dir, "--participant", participant)
			if !strings.Contains(out, was) || !strings.Contains(out, is) || strings.Contains(out, other) {
				t.Errorf("erase says %s", out)
			}
			if left := len(sealedBlobs(t, w, was)) + len(sealedBlobs(t, w, is)); left > 0 {
				t.Errorf("%d records are still sealed in the ledger", left)
			}
			if files := filesWith(t, cfg.Data.Dir, blobs); len(files) > 0 {
				t.Errorf("files still hold a record: %v", files)
			}
			if left := len(sealedBlobs(t, w, other)); left != kept {
				t.Errorf("%d records of somebody else are left of %d", left, kept)
			}
			mustRun(t, "verify", "--data", cfg.Data.Dir)
		})
	}
}

// moveDoors lets every door of a participant lead to another, as signing in does when
// WeChat tells that two are one person.
func moveDoors(t *testing.T, w *workbench, from, to string) {
	t.Helper()
	x := erasure{workbench: w, now: time.Now()}
	known, err := w.ledger.Campaigns(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range known {
		if o.Campaign == ledger.DoorsCampaign {
			if err := w.takeUp(t.Context(), o, x.now); err != nil {
				t.Fatal(err)
			}
		}
	}
	doors, err := x.doorsOf(t.Context(), from)
	if err != nil || len(doors) == 0 {
		t.Fatalf("%d doors, %v", len(doors), err)
	}
	store := redisstore.NewSessions(w.services.campaigns, time.Now)
	for _, d := range doors {
		if _, err := store.LinkDoor(t.Context(), d.hash, from, session.Door{Participant: to, Sealed: []byte("sealed anew for " + to)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.drainAll(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestIDsThatBeginWithAHyphen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want []string }{
		{[]string{"erase", "--participant", "-xwUxUw0cn-ZJ7ZO", "--data", "d"}, []string{"erase", "--participant=-xwUxUw0cn-ZJ7ZO", "--data", "d"}},
		{[]string{"erase", "--participant=-x"}, []string{"erase", "--participant=-x"}},
		{[]string{"erase", "--participant"}, []string{"erase", "--participant"}},
		{nil, nil},
	} {
		if got := withIDs(c.args); !slices.Equal(got, c.want) {
			t.Errorf("withIDs(%q) = %q, want %q", c.args, got, c.want)
		}
	}
	if status, _, errs := command(t, "erase", "--participant", "-xwUxUw0cn-ZJ7ZO", "--data", t.TempDir()); status == exitDone || !strings.Contains(errs, "data folder") {
		t.Errorf("an id is taken for a flag: %d %s", status, errs)
	}
}
