package redisstore

import (
	"bytes"
	"compress/flate"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"qingyuan/campaign"
)

// Sealer encrypts personal data for the erasable stream.
type Sealer interface {
	Seal(plaintext, aad []byte) []byte
}

// Opener is the inverse of Sealer: it opens what any of its keys has sealed.
type Opener interface {
	Open(sealed, aad []byte) ([]byte, error)
}

// PersonalRecord is one entry of the erasable stream of a campaign: with the
// facts, it holds everything from which an enrolment and a signature can be
// restored.
type PersonalRecord struct {
	campaign.Personal

	// Publish and Notice belong to an enrolment: whether the full name may be
	// shown, and the version of the notice that was agreed to.
	Publish bool   `json:"publish,omitempty"`
	Notice  string `json:"notice,omitempty"`
	// Salt keeps the commitment in the fact from being guessed once the record
	// is erased.
	Salt string `json:"salt"`
	// Commitment is SHA-256 over the record as JSON, which a fact may carry.
	Commitment string `json:"-"`
}

// A sealed record is the JSON itself, or where that is shorter, packed behind
// the byte z, with which no JSON begins: the points of a drawn signature repeat
// themselves.
const (
	packedMark   = 'z'
	packFrom     = 512     // bytes below which packing is not worth its time
	maxRecord    = 4 << 20 // bytes, so that a damaged record cannot fill memory
	saltSize     = 16
	digestPrefix = 6 // bytes: 48 bits
)

// sealed turns personal data into what may lie on a stream.
type sealed struct {
	box       Sealer
	digestKey []byte
	packers   *sync.Pool // of *flate.Writer, each of half a megabyte
}

func newSealed(box Sealer, digestKey []byte) sealed {
	return sealed{box: box, digestKey: digestKey, packers: &sync.Pool{}}
}

// recordAAD binds a record to its place, so that it cannot be moved to another
// person.
func recordAAD(campaignID, participant string) []byte { return []byte(campaignID + "|" + participant) }

// seal returns the encrypted record, with a salt of its own, and its commitment.
func (s sealed) seal(campaignID, participant string, r PersonalRecord) (blob, commitment string, err error) {
	var salt [saltSize]byte
	_, _ = rand.Read(salt[:]) // crypto/rand.Read never fails
	r.Salt = base64.RawStdEncoding.EncodeToString(salt[:])
	raw, err := json.Marshal(r)
	if err != nil {
		return "", "", fmt.Errorf("encode personal record: %w", err)
	}
	packed, err := s.pack(raw)
	if err != nil {
		return "", "", err
	}
	return string(s.box.Seal(packed, recordAAD(campaignID, participant))), commitmentTo(raw), nil
}

func (s sealed) pack(raw []byte) ([]byte, error) {
	if len(raw) < packFrom {
		return raw, nil
	}
	var out bytes.Buffer
	out.WriteByte(packedMark)
	w, ok := s.packers.Get().(*flate.Writer)
	if !ok {
		w, _ = flate.NewWriter(nil, flate.DefaultCompression) // the level exists
	}
	defer s.packers.Put(w)
	w.Reset(&out)
	_, err := w.Write(raw)
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("pack personal record: %w", err)
	}
	if out.Len() >= len(raw) {
		return raw, nil
	}
	return out.Bytes(), nil
}

// OpenRecord reads an enrolment's or a signature's sealed record. A record of
// another campaign or participant, or one sealed with a key that box has not,
// does not open.
func OpenRecord(box Opener, campaignID, participant string, blob []byte) (PersonalRecord, error) {
	fail := func(err error) (PersonalRecord, error) {
		return PersonalRecord{}, fmt.Errorf("personal record in %s: %w", campaignID, err)
	}
	raw, err := box.Open(blob, recordAAD(campaignID, participant))
	if err != nil {
		return fail(err)
	}
	if raw, err = unpackRecord(raw); err != nil {
		return fail(err)
	}
	var r PersonalRecord
	if json.Unmarshal(raw, &r) != nil {
		return fail(errors.New("what was sealed is no record")) // the cause might quote it
	}
	r.Commitment = commitmentTo(raw)
	return r, nil
}

func unpackRecord(raw []byte) ([]byte, error) {
	if len(raw) == 0 || raw[0] != packedMark {
		return raw, nil
	}
	z := flate.NewReader(bytes.NewReader(raw[1:]))
	out, err := io.ReadAll(io.LimitReader(z, maxRecord))
	if err := errors.Join(err, z.Close()); err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return out, nil
}

func commitmentTo(raw []byte) string {
	sum := sha256.Sum256(raw)
	return base64.RawStdEncoding.EncodeToString(sum[:])
}

// Digest recognises the personal data of an enrolment again: 48 bits of a keyed
// hash, which Redis holds in its place.
func Digest(key []byte, p campaign.Personal) (string, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("encode personal data: %w", err)
	}
	m := hmac.New(sha256.New, key)
	m.Write(raw)
	return base64.RawStdEncoding.EncodeToString(m.Sum(nil)[:digestPrefix]), nil
}
