package httpapi

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"qingyuan/internal/fault"
	"qingyuan/proof"
)

// errUnsealed is what a log says of what is not in it.
var errUnsealed = fault.ErrNotFound

// stubProofs is a log of one leaf: the signature of ann. Nothing is signed while it is
// zero.
type stubProofs struct {
	sealed bool
	err    error
}

var proofText = "我承诺"

func (s *stubProofs) signed() (proof.Signed, proof.Leaf, []proof.Field, string) {
	seed := proof.Seed{1}
	fields := []proof.Field{
		seed.Open(proof.FieldName, "安妮"), seed.Open(proof.FieldMaskedName, "安*"), seed.Open(proof.FieldTime, "2026-06-01T08:00:00.000Z"),
		seed.Open(proof.FieldText, proof.Digest(proofText)), seed.Open(proof.FieldImage, ""),
	}
	leaf := proof.Leaf{Type: proof.SignatureAccepted, Of: proof.Unknown, Fields: proof.FieldsHash(fields)}
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	tree, _, err := proof.Grow(tlog.Tree{}, nil, []tlog.Hash{leaf.Hash()})
	if err != nil {
		panic(err)
	}
	c := proof.Checkpoint{Origin: "qingyuan/d1/spring", Tree: tree, At: noon(), Totals: proof.Totals{proof.SignatureAccepted: 1}}
	public, err := proof.VerifierKey(c.Origin, key.Public().(ed25519.PublicKey))
	if err != nil {
		panic(err)
	}
	note, err := c.Sign(key)
	if err != nil {
		panic(err)
	}
	return proof.Signed{Checkpoint: c, Note: note}, leaf, fields, public
}

func (s *stubProofs) Latest(context.Context, string) (proof.Signed, bool, error) {
	last, _, _, _ := s.signed()
	if !s.sealed {
		return proof.Signed{}, false, s.err
	}
	return last, true, s.err
}

func (s *stubProofs) At(_ context.Context, _ string, size int64) (proof.Signed, error) {
	last, ok, err := s.Latest(context.Background(), "")
	if err == nil && (!ok || size != last.N) {
		err = errUnsealed
	}
	return last, err
}

func (s *stubProofs) Checkpoints(_ context.Context, _ string, after int64, _ int) ([]proof.Signed, error) {
	last, ok, err := s.Latest(context.Background(), "")
	if !ok || after >= last.N {
		return nil, err
	}
	return []proof.Signed{last}, err
}

func (s *stubProofs) VerifierKeys(context.Context, string) ([]string, error) {
	_, _, _, public := s.signed()
	return []string{public}, s.err
}

func (s *stubProofs) Consistency(_ context.Context, _ string, from int64) (proof.Signed, []tlog.Hash, error) {
	one, err := s.At(context.Background(), "", from)
	return one, nil, err
}

func (s *stubProofs) Tile(_ context.Context, _, path string) ([]byte, bool, error) {
	if !s.sealed || path != "0/000.p/1" {
		return nil, false, errUnsealed
	}
	_, leaf, _, _ := s.signed()
	hash := leaf.Hash()
	return hash[:], false, nil
}

func (s *stubProofs) Find(_ context.Context, _, participant string, act proof.Act) (proof.Place, error) {
	if s.err != nil || !s.sealed || participant != strings.TrimPrefix(ann, "p:") || act != proof.SignatureAct {
		return proof.Place{}, cmpErr(s.err)
	}
	last, leaf, _, _ := s.signed()
	return proof.Place{Leaf: leaf.Hash(), Tree: last.Tree}, nil
}

func cmpErr(err error) error {
	if err != nil {
		return err
	}
	return errUnsealed
}

func (s *stubProofs) Bundle(_ context.Context, _, participant string, act proof.Act, show func(string) bool) (*proof.Bundle, error) {
	if _, err := s.Find(context.Background(), "", participant, act); err != nil {
		return nil, err
	}
	last, leaf, fields, public := s.signed()
	for i, f := range fields {
		if show != nil && !show(f.Name) {
			fields[i] = f.Close()
		}
	}
	return &proof.Bundle{
		Format: proof.BundleFormat, Origin: last.Origin, Keys: []string{public}, Checkpoint: last.Note, Size: last.N, Root: last.Hash,
		Entries: []proof.Entry{proof.NewEntry(0, leaf, fields, []tlog.Hash{})},
	}, nil
}

// sealedBench is a bench whose log holds the signature of ann.
func sealedBench(t *testing.T) *bench {
	t.Helper()
	b := newRealBench(t)
	b.Proofs = &stubProofs{sealed: true}
	o := b.catalog.pledges["spring"]
	o.Versions[0].Text["zh-CN"] = proofText
	return b
}

// TestOwnProof: what its owner is given verifies offline, with the text that was signed.
// Nobody else is given anything, and nobody before it is sealed.
func TestOwnProof(t *testing.T) {
	t.Parallel()
	b := sealedBench(t)
	anns := b.takePart(t, ann, "安妮")
	const path = "/api/v1/campaigns/spring/signatures/me/proof"
	a := b.get(t, path, ann)
	got, err := proof.ReadBundle(strings.NewReader(a.body))
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s, %v", a.status, a.body, err)
	}
	if _, faults := got.Verify(got.Keys); len(faults) > 0 || got.Text == nil || *got.Text != proofText {
		t.Errorf("%v, text %v", faults, got.Text)
	}
	for _, as := range []string{bob} {
		if a := b.get(t, path, as); a.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", as, a.status, a.body)
		}
	}
	receipt := decoded[signatureAnswer](t, b.get(t, "/api/v1/campaigns/spring/signatures/me", ann))
	if receipt.Log == nil || receipt.Log.Size != 1 || tlog.CheckRecord(receipt.Log.Path, receipt.Log.Size, receipt.Log.Root, receipt.Log.Index, receipt.Log.Leaf) != nil {
		t.Errorf("the receipt has %+v", receipt.Log)
	}
	// Whoever has only the serial sees the proof, and the name masked.
	public := b.get(t, "/api/v1/signatures/"+anns.serial, "")
	shown := decoded[certificateAnswer](t, public)
	if shown.Number == nil || *shown.Number != 0 || shown.Proof == nil || strings.Contains(public.body, "安妮") {
		t.Fatalf("%s", public.body)
	}
	if _, faults := shown.Proof.Verify(shown.Proof.Keys); len(faults) > 0 {
		t.Error(faults)
	}
	if masked, _ := shown.Proof.Entries[0].Value(proof.FieldMaskedName); masked != "安*" {
		t.Errorf("masked name %q", masked)
	}
	page := b.get(t, "/check/"+anns.serial, "")
	if !strings.Contains(page.body, "证书编号</th><td>000000000<") || !strings.Contains(page.body, "qingyuan log verify") || !strings.Contains(page.body, "已核对无误") || strings.Contains(page.body, "安妮") {
		t.Errorf("%s", page.body)
	}
}

// TestNothingWaitsForTheLog: while nothing is sealed, or the log cannot be asked, receipts
// and the public page are given without it.
func TestNothingWaitsForTheLog(t *testing.T) {
	t.Parallel()
	for name, stub := range map[string]*stubProofs{"nothing sealed": {}, "away": {sealed: true, err: fault.ErrUnavailable}} {
		b := newRealBench(t)
		b.Proofs = stub
		anns := b.takePart(t, ann, "安妮")
		for _, path := range []string{"/api/v1/campaigns/spring/signatures/me", "/api/v1/signatures/" + anns.serial, "/check/" + anns.serial} {
			a := b.get(t, path, ann)
			if strings.HasPrefix(path, "/check/") && !strings.Contains(a.body, "没有可出示的存证") && !strings.Contains(a.body, "尚未存证") {
				t.Errorf("%s: the page does not say that there is no proof: %s", name, a.body)
			}
			if a.status != http.StatusOK || strings.Contains(a.body, `"log"`) || strings.Contains(a.body, `"proof"`) {
				t.Errorf("%s, %s: %d %s", name, path, a.status, a.body)
			}
		}
		if a := b.get(t, "/api/v1/campaigns/spring/signatures/me/proof", ann); a.status < 400 {
			t.Errorf("%s: a proof of nothing: %s", name, a.body)
		}
	}
}

// TestLogRoutes: the log is everybody's.
func TestLogRoutes(t *testing.T) {
	t.Parallel()
	b := sealedBench(t)
	const log = "/api/v1/campaigns/spring/log"
	for path, c := range map[string]struct {
		status int
		says   string
		cache  string
	}{
		"":                      {200, `"origin":"qingyuan/d1/spring"`, cacheCheckpoint},
		"/checkpoint":           {200, "qingyuan/d1/spring\n1\n", cacheCheckpoint},
		"/checkpoints":          {200, `"tree_size":1`, noStore},
		"/checkpoints?cursor=1": {200, `"items":[]`, noStore},
		"/checkpoints/1":        {200, "qingyuan/d1/spring\n1\n", cacheFixed},
		"/checkpoints/2":        {404, "", noStore},
		"/checkpoints/x":        {404, "", noStore},
		"/consistency?from=1":   {200, `"hashes":[]`, noStore},
		"/consistency?from=0":   {400, "from", noStore},
		"/tile/0/000.p/1":       {200, "", cacheCheckpoint},
		"/tile/0/001":           {404, "", noStore},
	} {
		a := b.get(t, log+path, "")
		if a.status != c.status || !strings.Contains(a.body, c.says) || a.header.Get("Cache-Control") != c.cache {
			t.Errorf("%s: %d, cache %q, %s", path, a.status, a.header.Get("Cache-Control"), a.body)
		}
	}
	b.Proofs = &stubProofs{}
	for _, path := range []string{"/checkpoint", "/consistency", "/checkpoints/1"} {
		if a := b.get(t, log+path, ""); a.status != http.StatusNotFound {
			t.Errorf("before anything is signed, %s: %d %s", path, a.status, a.body)
		}
	}
	if a := b.get(t, log, ""); a.status != 200 || !strings.Contains(a.body, `"newest":null`) {
		t.Errorf("before anything is signed: %d %s", a.status, a.body)
	}
}
