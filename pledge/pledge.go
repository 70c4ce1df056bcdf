// Package pledge holds the signing of the anti-drug pledge (禁毒承诺书):
// versioned texts, typed and drawn signatures, receipts and their serials.
package pledge

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

// Method is how a participant signs.
type Method string

// A signature is typed as a name, or drawn by hand.
const (
	Typed Method = "typed"
	Drawn Method = "drawn"
)

// Version is one immutable version of a campaign's pledge.
type Version struct {
	Version string
	Title   campaign.Text
	Text    campaign.Text
	Methods []Method
}

// SHA256 returns the digest of the text in lang, in hexadecimal: what a
// signature binds to.
func (v *Version) SHA256(lang string) string {
	text := v.Text.In(lang)
	if known, ok := digests.Load(text); ok {
		return known.(string) //nolint:forcetypeassert // Nothing else is put there.
	}
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:])
	if countDigests.Add(1) <= mostDigests {
		digests.Store(text, digest)
	}
	return digest
}

// digests are those of the texts that were asked for, because everybody signs the
// same few. A digest follows from its text alone.
var (
	digests      sync.Map
	countDigests atomic.Int64
)

// mostDigests keeps texts that were edited again and again from filling the memory.
const mostDigests = 1 << 10

// Offer is a campaign's pledge: the newest version is the one to sign.
type Offer struct {
	Campaign *campaign.Campaign
	// Versions are in the order of publication.
	Versions []Version
	// Prefix begins the campaign's serials: 2 to 8 capital letters and digits,
	// unique in the deployment.
	Prefix string
}

// Current returns the version to sign now.
func (o *Offer) Current() *Version { return &o.Versions[len(o.Versions)-1] }

// State is what became of a signature.
type State string

// The states of a signature. Pending is accepted and durable, and not yet in
// the counts; the other three are final for the public page.
const (
	Pending     State = "pending"
	Valid       State = "valid"
	Withdrawn   State = "withdrawn"
	Invalidated State = "invalidated"
)

// Signature is one participant's signing of one version.
type Signature struct {
	Version    string
	TextSHA256 string
	Method     Method
	// Unit is the unit the signature counts for.
	Unit     string
	SignedAt time.Time // whole milliseconds
	// MaskedName is for public view.
	MaskedName string
	State      State
	// Batch is the correction that invalidated the signature, "" where it was
	// invalidated by itself.
	Batch string
}

// Request is what a participant signs with.
type Request struct {
	Version string
	Method  Method
	Name    string
	Strokes Strokes
	// Lang is the language the text was read in.
	Lang string
}

// Errors of the pledge.
var (
	ErrNoPledge       = fault.New(fault.NotFound, "request.not_found", "本活动没有承诺书")
	ErrNotSigned      = fault.New(fault.NotFound, "pledge.not_signed", "尚未签署承诺书")
	ErrVersionChanged = fault.New(fault.Conflict, "pledge.version_changed", "承诺书内容已更新，请重新阅读后签署")
	ErrStrokesInvalid = fault.New(fault.Invalid, "pledge.strokes_invalid", "签名过于简单，请用手写签名")
)
