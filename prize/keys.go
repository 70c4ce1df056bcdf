package prize

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
)

// Keys are what tickets and secrets are made with: two keys for one purpose each, the
// same on every server.
//
// Secrets follow from a key and are stored nowhere, so none can be lost, and none can
// be made anew until it pleases somebody. Their hashes are published with the plan.
type Keys struct{ Secrets, Tickets [sha256.Size]byte }

// Secret is what a published hash binds and what is told once it can help nobody.
type Secret [sha256.Size]byte

// Hash is what is published of a secret beforehand: its SHA-256.
func (s Secret) Hash() [sha256.Size]byte { return sha256.Sum256(s[:]) }

// Instant is the secret by which chances of a campaign win.
func (k *Keys) Instant(campaign string) Secret { return k.secret("instant", campaign, "") }

// Draw is the secret of a scheduled draw.
func (k *Keys) Draw(campaign, draw string) Secret { return k.secret("draw", campaign, draw) }

func (k *Keys) secret(parts ...string) Secret { return Secret(keyed(k.Secrets[:], parts...)) }

// ticketBytes is how much of a hash a ticket is: 128 bits.
const ticketBytes = 16

// Ticket is what a participant is called in published lists of one campaign. It tells
// nothing of them, and nothing of their other tickets.
func (k *Keys) Ticket(campaign, participant string) string {
	return hex.EncodeToString(keyed(k.Tickets[:], campaign, participant)[:ticketBytes])
}

// keyed is HMAC-SHA256 over texts, each behind its length.
func keyed(key []byte, parts ...string) []byte {
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		mac.Write([]byte(p))
	}
	return mac.Sum(nil)
}

// Roll is the number below a million that a chance falls on, each as likely as any
// other:
//
//	the first 8 bytes, big-endian, of HMAC-SHA256(secret, ticket ‖ chance ‖ try)
//
// modulo a million. The ticket is in ASCII; chance and try are 8 bytes each, big-endian,
// the chances counting from 1 and the tries from 0. A number at or above the largest
// multiple of a million is thrown away and tried again.
func Roll(s Secret, ticket string, chance int) int {
	const fair = math.MaxUint64 / Million * Million
	for try := uint64(0); ; try++ {
		mac := hmac.New(sha256.New, s[:])
		mac.Write([]byte(ticket))
		mac.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(chance)), try)) //nolint:gosec // Chances count from 1.
		if x := binary.BigEndian.Uint64(mac.Sum(nil)); x < fair {
			return int(x % Million)
		}
	}
}

// Fall is the prize that a number below a million falls on, "" for none: the odds of
// the prizes are laid out one after the other, from 0 on, in the order of the plan.
func (p *Plan) Fall(number int) string {
	for i := range p.Instant {
		if number < p.Instant[i].Odds {
			return p.Instant[i].ID
		}
		number -= p.Instant[i].Odds
	}
	return ""
}
