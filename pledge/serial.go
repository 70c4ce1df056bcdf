package pledge

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"strings"
)

// Serials makes and reads the serial numbers of signatures.
//
// A serial is the campaign's prefix, a hyphen and 26 characters: one AES block
// that holds the participant's 12-byte id and 4 bytes of a MAC over campaign and
// id. So it needs no index, says nothing about the participant or about how many
// signed, and a guess dies in the server before anything is looked up.
type Serials struct {
	block cipher.Block
	mac   []byte
}

// NewSerials uses key (32 bytes, the same on every server).
func NewSerials(key []byte) (*Serials, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("serial key has %d bytes, want 32", len(key))
	}
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		return nil, fmt.Errorf("serial key: %w", err)
	}
	return &Serials{block: block, mac: key[16:]}, nil
}

// serialAlphabet is Crockford's base 32: no I, L, O or U.
var serialAlphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

const idBytes, macBytes = 12, 4

// Make returns the serial of the participant's signature in the campaign.
func (s *Serials) Make(prefix, campaignID, participant string) (string, error) {
	id, err := base64.RawURLEncoding.DecodeString(participant)
	if err != nil || len(id) != idBytes {
		return "", fmt.Errorf("serial: participant id is not %d bytes in base64url", idBytes)
	}
	block := append(id, s.check(campaignID, id)...)
	s.block.Encrypt(block, block)
	return prefix + "-" + serialAlphabet.EncodeToString(block), nil
}

// Prefix returns the part of a serial that names the campaign.
func Prefix(serial string) string {
	prefix, _, _ := strings.Cut(serial, "-")
	return prefix
}

// Read returns the participant behind a serial of the campaign, or ok false for
// anything Make did not make.
func (s *Serials) Read(serial, campaignID string) (participant string, ok bool) {
	_, body, _ := strings.Cut(serial, "-")
	block, err := serialAlphabet.DecodeString(body)
	if err != nil || len(block) != aes.BlockSize || serialAlphabet.EncodeToString(block) != body {
		return "", false
	}
	s.block.Decrypt(block, block)
	id := block[:idBytes]
	if !hmac.Equal(block[idBytes:], s.check(campaignID, id)) {
		return "", false
	}
	return base64.RawURLEncoding.EncodeToString(id), true
}

func (s *Serials) check(campaignID string, id []byte) []byte {
	m := hmac.New(sha256.New, s.mac)
	m.Write([]byte(campaignID))
	m.Write([]byte{0})
	m.Write(id)
	return m.Sum(nil)[:macBytes]
}
