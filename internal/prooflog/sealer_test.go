package prooflog_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"qingyuan/internal/fault"
	"qingyuan/internal/ledger/ledgertest"
	"qingyuan/internal/prooflog"
	"qingyuan/proof"
)

// diary is a keeper with an address, which is away at first and checks what it is given.
type diary struct {
	keys []string

	mu    sync.Mutex
	away  bool
	last  proof.Checkpoint
	seen  int
	wrong error
}

// ServeHTTP implements http.Handler.
func (d *diary) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.away {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	var h prooflog.Handed
	err := json.NewDecoder(r.Body).Decode(&h)
	if err == nil && r.Header.Get("Authorization") != "Bearer secret" {
		err = errors.New("the token is missing")
	}
	c, errOpen := proof.OpenCheckpoint(h.Checkpoint, d.keys)
	if err = errors.Join(err, errOpen); err == nil && h.Previous != d.last.N {
		err = fmt.Errorf("it follows %d, and %d was the last", h.Previous, d.last.N)
	}
	if err == nil && h.Previous > 0 {
		err = tlog.CheckTree(h.Consistency, c.N, c.Hash, d.last.N, d.last.Hash)
	}
	d.last, d.wrong = c, errors.Join(d.wrong, err)
	d.seen++
}

// TestKeepers: every checkpoint reaches everybody who keeps them, in order and with the
// proof that it continues the one before, also when a keeper was away.
func TestKeepers(t *testing.T) {
	t.Parallel()
	onBoth(t, 1, func(r *rig) {
		d := &diary{keys: r.keys(), away: true}
		web := httptest.NewServer(d)
		defer web.Close()
		client := web.Client()
		defer client.CloseIdleConnections()
		folder, now := r.TempDir(), ledgertest.Noon()
		r.log.Now = func() time.Time { return now }
		var failed []string
		s := &prooflog.Sealer{
			Log: r.log, Every: time.Minute, Signed: func(string, proof.Signed) {}, Told: func(int) {},
			Failed:  func(what string, _ error) { failed = append(failed, what) },
			Keepers: []prooflog.Keeper{prooflog.Webhook{URL: web.URL, Token: "secret", Client: client}, prooflog.Folder(folder)},
		}
		for i := range 4 {
			r.submit(fmt.Sprint("p", i), 1)
			r.submit(fmt.Sprint("q", i), 1)
			s.Round(r.Context())
			s.Round(r.Context()) // within the same minute: nothing is signed twice
			if i == 1 {
				if len(failed) == 0 || len(s.Warnings()) != 1 || len(s.Broken()) > 0 {
					r.Errorf("with a keeper away: failed %q, warnings %q", failed, s.Warnings())
				}
				d.mu.Lock()
				d.away = false
				d.mu.Unlock()
			}
			now = now.Add(time.Minute)
		}
		if d.seen != 4 || d.last.N != 8 || d.wrong != nil || len(s.Warnings()) > 0 {
			r.Errorf("the keeper has seen %d, the last of %d leaves: %v; warnings %q", d.seen, d.last.N, d.wrong, s.Warnings())
		}
		for _, dir := range []string{folder, r.log.Dir} {
			list, err := os.ReadDir(filepath.Join(dir, town))
			if err != nil || len(list) != 4 {
				r.Errorf("%s holds %v, %v", dir, list, err)
			}
		}
	})
}

// TestWhatEverybodyReads: tiles are those of C2SP, leaves are under them, and the newest
// tree is proved to continue each earlier one.
func TestWhatEverybodyReads(t *testing.T) {
	t.Parallel()
	onBoth(t, 1, func(r *rig) {
		if _, _, err := r.log.Tile(r.Context(), town, "0/000.p/1"); !errors.Is(err, fault.ErrNotFound) {
			r.Errorf("a tile of nothing: %v", err)
		}
		r.log.Batch = 200
		var facts int
		grow := func(n int) proof.Signed {
			r.crowd(facts, n)
			facts += n
			return r.seal()
		}
		trees := []tlog.Tree{grow(3).Tree, grow(250).Tree, grow(20).Tree}
		last := trees[2]
		for _, earlier := range trees {
			s, hashes, err := r.log.Consistency(r.Context(), town, earlier.N)
			if err != nil {
				r.Fatal(err)
			}
			if earlier.N < last.N {
				err = tlog.CheckTree(hashes, s.N, s.Hash, earlier.N, earlier.Hash)
			}
			if err != nil || s.Tree != last {
				r.Errorf("from %d: %v", earlier.N, err)
			}
		}
		full, fixed, err := r.log.Tile(r.Context(), town, "0/000")
		if err != nil || !fixed || len(full) != 256*32 {
			r.Fatalf("the first tile has %d bytes, fixed %t, %v", len(full), fixed, err)
		}
		part, fixed, err := r.log.Tile(r.Context(), town, "0/001.p/17")
		if err != nil || fixed || len(part) != 17*32 {
			r.Errorf("the second tile has %d bytes, fixed %t, %v", len(part), fixed, err)
		}
		entries, _, err := r.log.Tile(r.Context(), town, "entries/001.p/17")
		if err != nil {
			r.Fatal(err)
		}
		for i := range 17 {
			n := int(binary.BigEndian.Uint16(entries))
			leaf, err := proof.ParseLeaf(entries[2 : 2+n])
			hash := leaf.Hash()
			if err != nil || !bytes.Equal(hash[:], part[32*i:32*i+32]) {
				r.Errorf("leaf %d: %v", 256+i, err)
			}
			entries = entries[2+n:]
		}
		for _, path := range []string{"0/001.p/18", "0/001", "1/000.p/2", "0/002.p/1", "../x", "", "8/000", "data/000", "entries/../0/000", "0/000.p/256"} {
			if data, _, err := r.log.Tile(r.Context(), town, path); !errors.Is(err, fault.ErrNotFound) {
				r.Errorf("tile %q: %d bytes, %v", path, len(data), err)
			}
		}
		all, err := r.log.Checkpoints(r.Context(), town, 3, 10)
		if err != nil || len(all) != 2 || all[1].Tree != last {
			r.Errorf("checkpoints behind the first: %v, %v", all, err)
		}
		if one, err := r.log.At(r.Context(), town, 253); err != nil || one.Tree != trees[1] {
			r.Errorf("that of 253: %v, %v", one, err)
		}
		if _, err := r.log.At(r.Context(), town, 252); !errors.Is(err, prooflog.ErrNotSealed) {
			r.Errorf("that of 252: %v", err)
		}
	})
}

// TestKeysAreExchanged: with another key the log goes on, and what the old one signed is
// still read.
func TestKeysAreExchanged(t *testing.T) {
	t.Parallel()
	onOne(t, func(r *rig) {
		r.submit("ann", 1)
		r.seal()
		before := r.keys()
		old := r.log.Keys.Current
		r.log.Keys = newKeys(2, old)
		r.submit("bob", 1)
		s := r.seal()
		if after := r.keys(); len(after) != 2 || after[1] != before[0] {
			r.Errorf("keys %v after %v", after, before)
		}
		if _, err := proof.OpenCheckpoint(s.Note, before); err == nil {
			r.Error("the new checkpoint opens with the old key")
		}
		r.clean()
		if !slices.Equal(r.bundle("ann", proof.AttemptAct(1)).Keys, r.keys()) {
			r.Error("a bundle has other keys")
		}
	})
}
