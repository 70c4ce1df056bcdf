package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/report"
	"qingyuan/proof"
)

// sealing is a demonstration whose log is signed all the time.
func sealing(t *testing.T) configs.Config {
	t.Helper()
	cfg := demo(t)
	cfg.Proofs.Every = 20 * time.Millisecond
	cfg.Proofs.KeepDirs = []string{filepath.Join(shortDir(t), "kept")}
	return cfg
}

// awaitSealed waits until a log counts as much.
func (a api) awaitSealed(attempts, signatures float64) {
	a.t.Helper()
	a.eventually("the log to be signed", func() bool {
		newest := a.want(200, "GET", demoPath+"/log", nil).object("newest")
		return newest.num("attempts") == attempts && newest.num("signatures") == signatures
	})
}

// saved keeps an answer in a file.
func saved(t *testing.T, name string, raw []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// proofOf fetches a proof and keeps it in a file.
func (a acted) proofOf(path string) (file string, raw []byte) {
	a.t.Helper()
	status, _, raw := a.fetch("/api/v1" + demoPath + path)
	if status != 200 {
		a.t.Fatalf("%s: %d %s", path, status, raw)
	}
	dir, _ := a.t.(*testing.T)
	return saved(dir, "proof.json", raw), raw
}

// TestProofs follows what people did into the log, out of it as proofs that hold with
// nothing but a file, and past an erasure.
func TestProofs(t *testing.T) {
	t.Parallel()
	cfg := sealing(t)
	s := start(t, cfg)
	people := gathering(t, s)
	s.awaitSealed(3, 3)
	key := strings.TrimSpace(mustRun(t, "log", "keys", "--data", cfg.Data.Dir, "--campaign", demoCampaign))

	p := people[0]
	own, raw := p.proofOf("/signatures/me/proof")
	if out := mustRun(t, "log", "verify", "--key", key, own); !strings.Contains(out, "张三") || !strings.Contains(out, "counted") {
		t.Errorf("one's own proof: %s", out)
	}
	sitting, _ := p.proofOf("/attempts/" + p.attempt + "/proof")
	mustRun(t, "log", "verify", "--key", key, sitting)
	receipt := p.want(200, "GET", demoPath+"/attempts/"+p.attempt, nil).object("log")
	if receipt.num("tree_size") < 6 || len(receipt.text("leaf")) != 44 {
		t.Errorf("the receipt has %v of the log", receipt)
	}
	public := p.want(200, "GET", "/signatures/"+p.serial, nil)
	if public.object("proof") == nil || public["number"] != receiptIndex(p) {
		t.Errorf("the public page has %v", public)
	}

	// The whole log, with a checkpoint that the keeper outside has had for a while.
	kept, err := filepath.Glob(filepath.Join(cfg.Proofs.KeepDirs[0], demoCampaign, "*.checkpoint"))
	if err != nil || len(kept) == 0 {
		t.Fatalf("the keeper has %v, %v", kept, err)
	}
	whole := filepath.Join(t.TempDir(), "log.jsonl")
	mustRun(t, "log", "bundle", "--data", cfg.Data.Dir, "--campaign", demoCampaign, "--out", whole)
	out := mustRun(t, "log", "verify", "--key", key, "--kept", kept[0], whole)
	if !strings.Contains(out, "3 attempts, 3 signatures") || strings.Contains(out, "No checkpoint") {
		t.Errorf("the whole log: %s", out)
	}

	// What is published is the same, for whoever has no database.
	site := filepath.Join(t.TempDir(), "site.jsonl")
	mustRun(t, "log", "bundle", "--from", s.base+"/api/v1"+demoPath+"/log", "--out", site)
	requireSame(t, whole, site)
	folder, mirrored := mirrored(t, p, cfg), filepath.Join(t.TempDir(), "mirrored.jsonl")
	mustRun(t, "log", "bundle", "--from", folder, "--key", key, "--out", mirrored)
	requireSame(t, whole, mirrored)

	announced := announcedIn(t, cfg)
	if out := mustRun(t, "log", "verify", "--key", key, announced); !strings.Contains(out, "3 attempts, 3 signatures") {
		t.Errorf("what was announced: %s", out)
	}
	if out := mustRun(t, "log", "verify", "--key", key, "--announcement", announced, whole); !strings.Contains(out, "1 compared") {
		t.Errorf("what was announced, in the log: %s", out)
	}
	requireAlteredFound(t, key, own)
	for _, c := range []struct{ file, old, new, part string }{
		{own, `\n6\n`, `\n7\n`, proof.PartCheckpoint},
		{announced, `"attempts":3`, `"attempts":4`, proof.PartAnnouncement},
		{announced, `"tree_size":6`, `"tree_size":7`, proof.PartCheckpoint},
		{announced, "signature.accepted 3", "signature.accepted 4", proof.PartCheckpoint},
		{whole, `"index":2,`, `"index":3,`, "leaf 2"},
		{whole, `"type":"signature.accepted"`, `"type":"attempt.accepted"`, proof.PartLeaf},
		{whole, "attempt.accepted 3", "attempt.accepted 4", proof.PartCheckpoint},
	} {
		text, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		altered := bytes.Replace(text, []byte(c.old), []byte(c.new), 1)
		if bytes.Equal(altered, text) {
			t.Fatalf("%q is not in %s", c.old, c.file)
		}
		status, out, errs := command(t, "log", "verify", "--key", key, saved(t, "altered", altered))
		if status != exitFailed || !strings.Contains(out, c.part) {
			t.Errorf("%q instead of %q: %d\n%s%s, want %s", c.new, c.old, status, out, errs, c.part)
		}
	}
	if status, _, _ := command(t, "log", "verify", "--key", key, saved(t, "none", []byte("[]"))); status != exitFailed {
		t.Error("a file that is no proof passes")
	}

	participant := s.want(200, "POST", "/sessions/sandbox", map[string]string{"name": "first"}).object("participant").text("id")
	w := bench(t, cfg)
	links := seedsOf(t, w, participant)
	if len(links) < 2 || len(filesWith(t, cfg.Data.Dir, links)) == 0 {
		t.Fatalf("%d links and no file with one: nothing would be proved", len(links))
	}
	mustRun(t, "erase", "--data", cfg.Data.Dir, "--participant", participant)
	if left := seedsOf(t, w, participant); len(left) > 0 {
		t.Errorf("%d links to the log are left", len(left))
	}
	if files := filesWith(t, cfg.Data.Dir, links); len(files) > 0 {
		t.Errorf("files still hold a link: %v", files)
	}
	mustRun(t, "log", "verify", "--key", key, saved(t, "before.json", raw)) // what they were given proves still
	if out := mustRun(t, "verify", "--data", cfg.Data.Dir); !strings.Contains(out, "the log of "+demoCampaign+": 6 leaves") {
		t.Errorf("verify says %s", out)
	}
	// What is changed behind the log's back is told, and no longer signed.
	if _, err := w.db.ExecContext(t.Context(), "UPDATE proof_logs SET root = $1", make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	s.eventually("the warning", func() bool {
		_, r, err := s.call("GET", "/readyz", nil)
		return err == nil && strings.Contains(fmt.Sprint(r["warnings"]), "the log of "+demoCampaign+" is BROKEN")
	})
	after := s.want(200, "GET", "/signatures/"+p.serial, nil)
	if after.text("name") != "匿名" || after["proof"] != nil || after["number"] != nil {
		t.Errorf("the public page still leads to the log: %v", after)
	}
}

// mirrored is what somebody has copied of a log: its newest checkpoint, its only tile, the
// leaves under it, and what a keeper has.
func mirrored(t *testing.T, p acted, cfg configs.Config) string {
	t.Helper()
	dir := t.TempDir()
	for _, path := range []string{"checkpoint", "tile/0/000.p/6", "tile/entries/000.p/6"} {
		status, _, raw := p.fetch("/api/v1" + demoPath + "/log/" + path)
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, raw, 0o600)); err != nil || status != 200 {
			t.Fatalf("%s: %d, %v", path, status, err)
		}
	}
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(cfg.Proofs.KeepDirs[0], demoCampaign))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func requireSame(t *testing.T, a, b string) {
	t.Helper()
	if read(t, a) != read(t, b) {
		t.Errorf("%s and %s differ", a, b)
	}
}

// announcedIn announces the figures of now, as somebody does in two minutes, and keeps what
// is given out in a file.
func announcedIn(t *testing.T, cfg configs.Config) string {
	t.Helper()
	w := bench(t, cfg)
	source, err := exportCmd{Campaign: demoCampaign}.source(w)
	if err != nil {
		t.Fatal(err)
	}
	source.AsOf = time.Now()
	all := report.NewAnnouncements(w.db, func() time.Time { return time.Now().Add(2 * time.Minute) })
	if _, err := all.Seal(t.Context(), source, consoleRecord("figures.announce", demoCampaign)); err != nil {
		t.Fatal(err)
	}
	return saved(t, "announced.json", []byte(mustRun(t, "report", "announced", "--data", cfg.Data.Dir, "--campaign", demoCampaign)))
}

// TestAnnouncedOverHTTP: an office announces the figures of a moment, over HTTP and without
// anybody's help, once the minute that the ledger may need is over by the clock it asks by.
// Whoever has what it gives out checks it when the server is gone: the counts are those of
// the leaves up to a signed checkpoint, whatever came later.
func TestAnnouncedOverHTTP(t *testing.T) {
	t.Parallel()
	cfg := sealing(t)
	o := officeCommands{t, cfg}
	var later atomic.Int64
	s := launchWith(t, cfg, serving{log: warningsTo(t), asked: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
	s.awaitReady()
	office := s.officeOf(t, "desk", printed(o.run(exitDone, "", "operator", "create", "--login", "desk", "--role", "campaign_operator", "--campaign", demoCampaign)))
	gathering(t, s)
	asOf := time.Now().Truncate(time.Second).Add(time.Second)
	path := "/admin" + demoPath + "/announcements"
	of := func(at time.Time) map[string]string { return map[string]string{"as_of": at.Format(time.RFC3339)} }
	s.eventually("the moment that is announced to be over", func() bool { return time.Now().After(asOf) })
	act(s.api, "later")
	s.awaitSealed(4, 4)
	if r := office.want(400, "POST", path, of(time.Now())); r.text("code") != "report.too_soon" {
		t.Errorf("a moment that has just been: %v", r)
	}
	later.Store(int64(time.Until(asOf.Add(time.Minute))))
	made := office.want(201, "POST", path, of(asOf))
	_, _, raw := office.fetch("/api/v1" + path + "/" + made.text("id"))
	announced, whole := saved(t, "announcement.json", raw), filepath.Join(t.TempDir(), "log.jsonl")
	key := strings.TrimSpace(mustRun(t, "log", "keys", "--data", cfg.Data.Dir, "--campaign", demoCampaign))
	mustRun(t, "log", "bundle", "--from", s.base+"/api/v1"+demoPath+"/log", "--key", key, "--out", whole)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}

	if out := mustRun(t, "log", "verify", "--key", key, announced); !strings.Contains(out, "3 attempts, 3 signatures") {
		t.Errorf("what was announced: %s", out)
	}
	out := mustRun(t, "log", "verify", "--key", key, "--announcement", announced, whole)
	if !strings.Contains(out, "4 attempts, 4 signatures") || !strings.Contains(out, "1 compared") {
		t.Errorf("the log that it is of: %s", out)
	}
	// The leaves up to there, by type, counted by hand.
	total, log := made.object("total"), made.object("log")
	if total.num("attempts") != 3 || total.num("signatures") != 3 || log.num("tree_size") != 6 {
		t.Errorf("announced are %v of %v", total, log)
	}
	leaves := map[string]float64{}
	for line := range strings.Lines(read(t, whole)) {
		var l struct{ Leaf *struct{ Type string } }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if l.Leaf == nil {
			continue
		}
		if leaves[l.Leaf.Type]++; leaves["attempt.accepted"]+leaves["signature.accepted"] == log.num("tree_size") {
			break
		}
	}
	for kind, n := range log.object("totals") {
		if n != leaves[kind] {
			t.Errorf("%v of %s are announced, and %v leaves are", n, kind, leaves[kind])
		}
	}
	lie := saved(t, "lie.json", bytes.Replace(raw, []byte(`"attempts":3`), []byte(`"attempts":4`), 1))
	if status, out, _ := command(t, "log", "verify", "--key", key, lie); status != exitFailed || !strings.Contains(out, proof.PartAnnouncement) {
		t.Errorf("one attempt more: %d %s", status, out)
	}
}

// requireAlteredFound alters every field and part of the proof of a signature, one at a
// time: each is named, and nothing else with it.
func requireAlteredFound(t *testing.T, key, file string) {
	t.Helper()
	parts := map[string]func(*proof.Bundle){
		proof.PartLeaf: func(b *proof.Bundle) { b.Entries[0].Leaf[3] ^= 1 },
		proof.PartPath: func(b *proof.Bundle) { b.Entries[0].Path[0][7] ^= 1 },
		proof.PartCheckpoint: func(b *proof.Bundle) {
			b.Checkpoint = strings.Replace(b.Checkpoint, "attempt.accepted 3", "attempt.accepted 4", 1)
		},
		// The text itself, beside its hash.
		proof.FieldText: func(b *proof.Bundle) { *b.Text += "。" },
	}
	open := func() *proof.Bundle {
		b, err := proof.ReadBundle(strings.NewReader(read(t, file)))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	fields := open().Entries[0].Fields
	for i := range fields {
		parts["field "+fields[i].Name] = func(b *proof.Bundle) { *b.Entries[0].Fields[i].Value += " " }
	}
	for _, name := range []string{proof.FieldName, proof.FieldTime, proof.FieldText, proof.FieldUnit, proof.FieldImage} {
		if parts["field "+name] == nil {
			t.Errorf("the proof binds no %s", name)
		}
	}
	for part, alter := range parts {
		b := open()
		alter(b)
		var out bytes.Buffer
		if err := b.Write(&out); err != nil {
			t.Fatal(err)
		}
		status, said, errs := command(t, "log", "verify", "--json", "--key", key, saved(t, "altered.json", out.Bytes()))
		var v logVerdict
		if err := json.Unmarshal([]byte(said), &v); err != nil {
			t.Fatalf("%s: %v\n%s%s", part, err, said, errs)
		}
		named := map[string]bool{}
		for _, f := range v.Faults {
			named[f.Part] = true
		}
		want := strings.TrimPrefix(part, "field ")
		delete(named, want)
		if status != exitFailed || len(v.Faults) == 0 || len(named) > 0 {
			t.Errorf("%s altered: %d, %v", part, status, v.Faults)
		}
	}
}

func receiptIndex(p acted) any {
	return p.want(200, "GET", demoPath+"/signatures/me", nil).object("log")["index"]
}

// seedsOf is all that leads from a participant to their leaves.
func seedsOf(t *testing.T, w *workbench, participant string) [][]byte {
	t.Helper()
	return blobs(t, w, "SELECT seed FROM proof_links WHERE participant = $1", participant)
}

// sealNow does by hand what the sealer does.
func sealNow(t *testing.T, w *workbench, campaignID string) {
	t.Helper()
	if err := w.drainAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := w.proofs()
	log.Span = 0 // now, and not when the minute is over
	for more := true; more; {
		sealed, err := log.Seal(t.Context(), campaignID)
		if err != nil {
			t.Fatal(err)
		}
		more = sealed.More
	}
	if _, _, err := log.Sign(t.Context(), campaignID); err != nil {
		t.Fatal(err)
	}
}
