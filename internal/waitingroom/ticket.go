package waitingroom

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// A ticket is its number and a MAC. Numbers are moments in µs, so a ticket tells
// its age, and after a loss of Redis new numbers are above the old ones.

const (
	macBytes    = 16
	ticketBytes = 8 + macBytes
	// maxAge is how old a ticket may be: no line lasts longer.
	maxAge = 12 * time.Hour
	// maxAhead is how far a number may lie ahead of our clock: several servers
	// draw them, and each is above the one before.
	maxAhead = time.Minute
)

// What the key is used for, so that no answer to one question serves another.
const (
	aboutTicket = "ticket\x00"
	aboutCode   = "code\x00"
)

// ticket writes a number as a client may have it.
func (r *Room) ticket(number int64) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, ticketBytes), uint64(number)) //nolint:gosec // A number is a moment after 1970.
	return base64.RawURLEncoding.EncodeToString(append(b, r.mac(aboutTicket, b)...))
}

// open returns the number of a ticket of ours that is not too old, and 0 and false
// for anything else.
func (r *Room) open(ticket string, now time.Time) (int64, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(ticket)
	if err != nil || len(b) != ticketBytes || !hmac.Equal(r.mac(aboutTicket, b[:8]), b[8:]) {
		return 0, false
	}
	number := int64(binary.BigEndian.Uint64(b[:8])) //nolint:gosec // As it was written above.
	age := now.Sub(time.UnixMicro(number))
	if age > maxAge || age < -maxAhead {
		return 0, false
	}
	return number, true
}

// name is what a code is called in the store, so that it cannot be read there.
func (r *Room) name(code string) string {
	return base64.RawURLEncoding.EncodeToString(r.mac(aboutCode, []byte(code)))
}

func (r *Room) mac(about string, b []byte) []byte {
	m := hmac.New(sha256.New, r.Key[:])
	m.Write([]byte(about))
	m.Write(b)
	return m.Sum(nil)[:macBytes]
}
