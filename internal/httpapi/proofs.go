package httpapi

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/mod/sumdb/tlog"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/pledge"
	"qingyuan/proof"
)

// Proofs is the log of every campaign, by which anybody can check its counts. What is not
// in it yet, or to which nothing leads any more, is a fault of kind NotFound.
type Proofs interface {
	// Latest returns the newest checkpoint, and whether there is one.
	Latest(ctx context.Context, campaignID string) (proof.Signed, bool, error)
	At(ctx context.Context, campaignID string, size int64) (proof.Signed, error)
	// Checkpoints lists those of more than after leaves, in order.
	Checkpoints(ctx context.Context, campaignID string, after int64, limit int) ([]proof.Signed, error)
	// VerifierKeys are what checkpoints are checked with, the one that signs now first.
	VerifierKeys(ctx context.Context, campaignID string) ([]string, error)
	// Consistency proves that the newest checkpoint continues a tree of from leaves.
	Consistency(ctx context.Context, campaignID string, from int64) (proof.Signed, []tlog.Hash, error)
	// Tile returns what lies below tile/ as C2SP tlog-tiles names it, and whether it will
	// ever be another.
	Tile(ctx context.Context, campaignID, path string) (data []byte, fixed bool, err error)
	// Find tells where an act lies, and Bundle proves it; fields that show refuses stay
	// closed, nil opens all.
	Find(ctx context.Context, campaignID, participant string, act proof.Act) (proof.Place, error)
	Bundle(ctx context.Context, campaignID, participant string, act proof.Act, show func(field string) bool) (*proof.Bundle, error)
}

func (s *Server) proofRoutes() []route {
	if s.Proofs == nil {
		return nil
	}
	const log = "/api/v1/campaigns/:campaign/log"
	return []route{
		get(log, public, s.showLog),
		get(log+"/checkpoint", public, s.showCheckpoint),
		get(log+"/checkpoints", public, s.listCheckpoints),
		get(log+"/checkpoints/:size", public, s.showCheckpointOf),
		get(log+"/consistency", public, s.showConsistency),
		get(log+"/tile/*", public, s.showTile),
		get("/api/v1/campaigns/:campaign/signatures/me/proof", person, s.proveSignature),
		get("/api/v1/campaigns/:campaign/attempts/:attempt/proof", person, s.proveAttempt),
	}
}

// cacheCheckpoint is for what is another a minute later, cacheFixed for what never is.
const (
	cacheCheckpoint = "public, max-age=10"
	cacheFixed      = "public, max-age=31536000, immutable"
)

type logAnswer struct {
	Origin string   `json:"origin"`
	Keys   []string `json:"keys"`
	// Newest is null before anything was signed.
	Newest *checkpointAnswer `json:"newest"`
}

type checkpointAnswer struct {
	Size     int64            `json:"tree_size"`
	Root     string           `json:"root"`
	SignedAt string           `json:"signed_at"`
	Totals   map[string]int64 `json:"totals"`
	// Attempts and Signatures are what the totals come to.
	Attempts   int64  `json:"attempts"`
	Signatures int64  `json:"signatures"`
	Checkpoint string `json:"checkpoint"`
}

func checkpointOf(c *campaign.Campaign, s *proof.Signed) checkpointAnswer {
	out := checkpointAnswer{
		Size: s.N, Root: s.Hash.String(), SignedAt: stamp(s.At, c.Zone), Totals: map[string]int64{},
		Attempts: s.Totals.Count(proof.Attempt), Signatures: s.Totals.Count(proof.Signature), Checkpoint: s.Note,
	}
	for _, t := range proof.Types() {
		out.Totals[string(t)] = s.Totals[t]
	}
	return out
}

// showLog handles GET /api/v1/campaigns/{campaign}/log.
func (s *Server) showLog(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	last, ok, err := s.Proofs.Latest(k.ctx, c.ID)
	if err != nil {
		return err
	}
	out := logAnswer{}
	if out.Keys, err = s.Proofs.VerifierKeys(k.ctx, c.ID); err != nil {
		return err
	}
	if ok {
		newest := checkpointOf(c, &last)
		out.Origin, out.Newest = last.Origin, &newest
	}
	k.Response().Header.Set(fiber.HeaderCacheControl, cacheCheckpoint)
	return k.send(fiber.StatusOK, out)
}

// showCheckpoint handles GET …/log/checkpoint: the newest as a signed note.
func (s *Server) showCheckpoint(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	last, ok, err := s.Proofs.Latest(k.ctx, c.ID)
	if err == nil && !ok {
		err = fault.ErrNotFound
	}
	if err != nil {
		return err
	}
	return k.sendNote(last.Note, cacheCheckpoint)
}

// showCheckpointOf handles GET …/log/checkpoints/{size}.
func (s *Server) showCheckpointOf(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	size, err := strconv.ParseInt(k.Params("size"), 10, 64)
	if err != nil {
		return fault.ErrNotFound
	}
	one, err := s.Proofs.At(k.ctx, c.ID, size)
	if err != nil {
		return err
	}
	return k.sendNote(one.Note, cacheFixed)
}

func (k *call) sendNote(note, cache string) error {
	h := &k.Response().Header
	h.Set(fiber.HeaderCacheControl, cache)
	h.SetContentType(fiber.MIMETextPlainCharsetUTF8)
	k.Response().SetBodyRaw([]byte(note))
	return nil
}

// checkpointsAtOnce bounds one page.
const checkpointsAtOnce = 50

// listCheckpoints handles GET …/log/checkpoints: all that were ever signed, in order.
func (s *Server) listCheckpoints(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	after, err := k.whole("cursor", 0, 0, 1<<53)
	if err != nil {
		return err
	}
	all, err := s.Proofs.Checkpoints(k.ctx, c.ID, after, checkpointsAtOnce)
	if err != nil {
		return err
	}
	out := list[checkpointAnswer]{Items: make([]checkpointAnswer, len(all))}
	for i := range all {
		out.Items[i] = checkpointOf(c, &all[i])
	}
	if len(all) == checkpointsAtOnce {
		out.NextCursor = cursor(all[len(all)-1].N)
	}
	return k.send(fiber.StatusOK, out)
}

// showConsistency handles GET …/log/consistency?from=: that the newest checkpoint
// continues an earlier one.
func (s *Server) showConsistency(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	from, err := k.whole("from", 1, 1, 1<<53)
	if err != nil {
		return err
	}
	last, hashes, err := s.Proofs.Consistency(k.ctx, c.ID, from)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, struct {
		From       int64       `json:"from"`
		Size       int64       `json:"tree_size"`
		Checkpoint string      `json:"checkpoint"`
		Hashes     []tlog.Hash `json:"hashes"`
	}{from, last.N, last.Note, or0(hashes)})
}

// or0 is an empty list for none, which JSON would write as null.
func or0[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// showTile handles GET …/log/tile/…, as C2SP tlog-tiles has it.
func (s *Server) showTile(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	data, fixed, err := s.Proofs.Tile(k.ctx, c.ID, k.Params("*"))
	if err != nil {
		return err
	}
	h := &k.Response().Header
	h.Set(fiber.HeaderCacheControl, cacheCheckpoint)
	if fixed {
		h.Set(fiber.HeaderCacheControl, cacheFixed)
	}
	h.SetContentType(fiber.MIMEOctetStream)
	k.Response().SetBodyRaw(data)
	return nil
}

// proveSignature handles GET …/signatures/me/proof: everything that proves one's own
// signature, for a file.
func (s *Server) proveSignature(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	b, err := s.Proofs.Bundle(k.ctx, c.ID, k.participant, proof.SignatureAct, nil)
	if err != nil {
		return err
	}
	s.withText(b, c)
	return k.send(fiber.StatusOK, b)
}

// withText puts the text of the pledge beside its hash, where it is still known.
func (s *Server) withText(b *proof.Bundle, c *campaign.Campaign) {
	digest, _ := b.Entries[0].Value(proof.FieldText)
	o, err := s.Catalog.Pledge(c.ID)
	if err != nil || digest == "" {
		return
	}
	for _, v := range o.Versions {
		for _, text := range v.Text {
			if proof.Digest(text) == digest {
				b.Text = &text
				return
			}
		}
	}
}

// proveAttempt handles GET …/attempts/{attempt}/proof.
func (s *Server) proveAttempt(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	r, err := s.Quizzes.Attempt(k.ctx, c.ID, k.participant, k.Params("attempt"))
	if err != nil {
		return err
	}
	b, err := s.Proofs.Bundle(k.ctx, c.ID, k.participant, proof.AttemptAct(r.Attempt.Number), nil)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, b)
}

// leafAnswer is where an act lies in the log, on its receipt.
type leafAnswer struct {
	Index int64       `json:"index"`
	Size  int64       `json:"tree_size"`
	Root  tlog.Hash   `json:"root"`
	Leaf  tlog.Hash   `json:"leaf"`
	Path  []tlog.Hash `json:"path"`
}

// proofPatience bounds how long a receipt waits for its place in the log: it is given
// without rather than late.
const proofPatience = 500 * time.Millisecond

// placeOf returns where somebody's act lies in the log, nil where that is not known now.
func (s *Server) placeOf(k *call, c *campaign.Campaign, participant string, act proof.Act) *leafAnswer {
	if s.Proofs == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(k.ctx, proofPatience)
	defer cancel()
	p, err := s.Proofs.Find(ctx, c.ID, participant, act)
	if err != nil {
		s.untold(k, err)
		return nil
	}
	return &leafAnswer{p.Index, p.N, p.Hash, p.Leaf, or0(p.Path)}
}

// untold logs what keeps an answer from having its proof, unless it is not sealed.
func (s *Server) untold(k *call, err error) {
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Kind != fault.NotFound {
		s.Log.WarnContext(k.ctx, "an answer goes without its proof", "err", err)
	}
}

// shownToAll are the fields of a signature that the public page opens.
func shownToAll(field string) bool {
	return field != proof.FieldName && field != proof.FieldImage
}

// publicProof proves a signature without its name, nil where that is not possible now.
func (s *Server) publicProof(k *call, c *campaign.Campaign, r *pledge.Receipt) *proof.Bundle {
	if s.Proofs == nil || r.Participant == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(k.ctx, proofPatience)
	defer cancel()
	b, err := s.Proofs.Bundle(ctx, c.ID, r.Participant, proof.SignatureAct, shownToAll)
	if err != nil {
		s.untold(k, err)
		return nil
	}
	return b
}
