package proof_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"qingyuan/proof"
)

// publish is a log as files below an address. Where whole is set its last tile is found
// under the name of a full one alone, as where the log has grown since.
func (s *shelf) publish(t *testing.T, checkpoint string, whole bool) map[string][]byte {
	t.Helper()
	files := map[string][]byte{"checkpoint": []byte(checkpoint)}
	for _, tile := range tlog.NewTiles(proof.TileHeight, 0, s.tree.N) {
		if tile.L != 0 {
			continue
		}
		data, err := s.ReadTiles([]tlog.Tile{tile})
		if err != nil {
			t.Fatal(err)
		}
		var entries []byte
		for i := range tile.W {
			raw := s.leaves[tile.N<<proof.TileHeight+int64(i)].Bytes()
			entries = append(binary.BigEndian.AppendUint16(entries, uint16(len(raw))), raw...)
		}
		name := fmt.Sprintf("%03d", tile.N)
		if tile.W < 1<<proof.TileHeight && !whole {
			name += fmt.Sprintf(".p/%d", tile.W)
		}
		files["tile/0/"+name], files["tile/entries/"+name] = bytes.Clone(data[0]), entries
	}
	return files
}

// reader reads published files.
func reader(files map[string][]byte) proof.Published {
	return func(path string) ([]byte, error) {
		data, ok := files[path]
		if !ok {
			return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
		}
		return data, nil
	}
}

// TestPublished puts a log together from what is published of it, and finds what was
// altered there.
func TestPublished(t *testing.T) {
	t.Parallel()
	p, s := newPen(t, 1), newShelf()
	var earlier []string
	for i := range 600 {
		s.add(t, proof.Unknown, proof.AttemptAccepted, proof.FieldScore, fmt.Sprint(i))
		if i == 99 || i == 299 {
			earlier = append([]string{s.sign(t, p)}, earlier...) // in any order
		}
	}
	newest := s.sign(t, p)
	keys := []string{p.public}
	for _, whole := range []bool{false, true} {
		var out bytes.Buffer
		c, err := reader(s.publish(t, newest, whole)).WriteLog(&out, keys, earlier)
		if err != nil || c.Tree != s.tree {
			t.Fatalf("put together: %d leaves, %v", c.N, err)
		}
		got, err := proof.ReadLog(&out, keys, earlier)
		if err != nil || len(got.Faults) > 0 || got.Checkpoints != 3 || got.Kept != 2 || got.Last.N != 600 {
			t.Errorf("read again: %+v, %v", got, err)
		}
	}
	for name, c := range map[string]struct {
		alter func(map[string][]byte)
		want  string
	}{
		"a leaf": {func(f map[string][]byte) {
			f["tile/entries/001"] = bytes.Replace(f["tile/entries/001"], []byte("accepted"), []byte("remarked"), 1)
		}, "leaf of leaf 256"},
		"a hash":              {func(f map[string][]byte) { f["tile/0/001"][40] ^= 1 }, "leaf of leaf 257"},
		"a tile that is gone": {func(f map[string][]byte) { delete(f, "tile/0/000") }, "tile/0/000"},
		"leaves that are cut": {func(f map[string][]byte) { f["tile/entries/000"] = f["tile/entries/000"][:1000] }, "is cut"},
		"the checkpoint": {func(f map[string][]byte) {
			f["checkpoint"] = bytes.Replace(f["checkpoint"], []byte("\n600\n"), []byte("\n599\n"), 1)
		}, "checkpoint"},
	} {
		files := s.publish(t, newest, false)
		c.alter(files)
		var out bytes.Buffer
		_, err := reader(files).WriteLog(&out, keys, earlier)
		said := fmt.Sprint(err)
		if err == nil {
			got, err := proof.ReadLog(&out, keys, nil)
			said = fmt.Sprint(got.Faults, err)
		}
		if !strings.Contains(said, c.want) {
			t.Errorf("%s altered: %.300s, want %q", name, said, c.want)
		}
	}
}

// TestAnnouncement alters every part of an announcement.
func TestAnnouncement(t *testing.T) {
	t.Parallel()
	p, s := newPen(t, 1), newShelf()
	s.add(t, proof.Unknown, proof.AttemptAccepted)
	s.add(t, proof.Unknown, proof.SignatureAccepted)
	s.add(t, 0, proof.AttemptInvalidated)
	note := s.sign(t, p)
	c, err := proof.OpenCheckpoint(note, []string{p.public})
	if err != nil {
		t.Fatal(err)
	}
	fresh := func() *proof.Announcement {
		a := &proof.Announcement{Log: proof.Announce(&proof.Signed{Checkpoint: c, Note: note}, c.At, 0, 1)}
		a.Total.Signatures = 1
		return a
	}
	if _, faults := fresh().Verify([]string{p.public}); len(faults) > 0 {
		t.Errorf("it does not hold: %v", faults)
	}
	for name, alter := range map[string]struct {
		do   func(*proof.Announcement)
		part string
	}{
		"attempts":            {func(a *proof.Announcement) { a.Total.Attempts++ }, proof.PartAnnouncement},
		"signatures":          {func(a *proof.Announcement) { a.Total.Signatures-- }, proof.PartAnnouncement},
		"attempts of the log": {func(a *proof.Announcement) { a.Log.Attempts++ }, proof.PartAnnouncement},
		"size":                {func(a *proof.Announcement) { a.Log.Size++ }, proof.PartCheckpoint},
		"root":                {func(a *proof.Announcement) { a.Log.Root[0] ^= 1 }, proof.PartCheckpoint},
		"totals":              {func(a *proof.Announcement) { a.Log.Totals[proof.AttemptAccepted]++ }, proof.PartCheckpoint},
		"origin":              {func(a *proof.Announcement) { a.Log.Origin += "x" }, proof.PartCheckpoint},
		"checkpoint":          {func(a *proof.Announcement) { a.Log.Checkpoint = strings.Replace(note, "accepted 1", "accepted 2", 1) }, proof.PartCheckpoint},
	} {
		a := fresh()
		alter.do(a)
		if _, faults := a.Verify([]string{p.public}); len(faults) != 1 || faults[0].Part != alter.part {
			t.Errorf("%s altered: %v, want %s", name, faults, alter.part)
		}
	}
	for _, text := range []string{"", "[]", "{}", `{"total":{},"log":{"format":"another/1"}}`} {
		if _, err := proof.ReadAnnouncement(strings.NewReader(text)); err == nil {
			t.Errorf("%q is an announcement", text)
		}
	}
}
