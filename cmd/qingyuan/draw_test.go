package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qingyuan/prize/draw"
)

// TestDrawVerify checks the file of a draw with the command: as it was published, with
// another root than the one that was noted, and altered in one byte.
func TestDrawVerify(t *testing.T) {
	t.Parallel()
	secret := draw.Hash(sha256.Sum256([]byte("secret")))
	var entrants []string
	for i := range 40 {
		entrants = append(entrants, fmt.Sprintf("%016d", i))
	}
	f, err := draw.New(draw.Announcement{
		Campaign: "town-2026", Draw: "main", Prizes: []draw.Prize{{ID: "bike", Name: "自行车", Count: 2}}, Reserves: 1,
		Source: "中国福利彩票双色球第 2026123 期开奖号码", SecretHash: sha256.Sum256(secret[:]),
	}, draw.Frozen{Entrants: entrants}, secret, "03 07 11 19 26 31 + 09")
	if err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	if err := f.Write(&raw); err != nil {
		t.Fatal(err)
	}
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole := file("draw.json", raw.String())
	other := sha256.Sum256([]byte("other"))
	for _, c := range []struct {
		name   string
		args   []string
		status int
		says   string
	}{
		{"as published", []string{whole}, exitDone, "among 40 entrants"},
		{"with what was noted", []string{"--root", f.Root.String(), "--announcement", f.AnnouncementHash.String(), whole}, exitDone, "follows"},
		{"with another root", []string{"--root", fmt.Sprintf("%x", other), whole}, exitFailed, "entrants_root"},
		{"as JSON", []string{"--json", whole}, exitDone, `"ok":true`},
		{"altered", []string{file("altered.json", strings.Replace(raw.String(), `"value":"03`, `"value":"04`, 1))}, exitFailed, "seed"},
		{"altered, as JSON", []string{"--json", file("less.json", strings.Replace(raw.String(), `"entrants_count":40`, `"entrants_count":41`, 1))}, exitFailed, `"part":"entrants_count"`},
		{"no draw", []string{file("none.json", "[]")}, exitFailed, "file"},
		{"no hash", []string{"--root", "abc", whole}, exitUsage, ""},
	} {
		var out, errs bytes.Buffer
		status := run(env{ctx: t.Context(), stdout: &out, stderr: &errs}, append([]string{"draw", "verify"}, c.args...))
		if status != c.status || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: status %d, output\n%s%s\nwant status %d and %q", c.name, status, out.String(), errs.String(), c.status, c.says)
		}
	}
}
