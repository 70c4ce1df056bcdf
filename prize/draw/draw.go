// Package draw holds the rules of a scheduled draw, such that neither who runs it nor
// who computes it can choose the winners, and such that anybody can compute it again
// from its published file.
//
// Three things are mixed, none of which is known to or chosen by one person at the
// right time: the entrants, frozen and published as a root before the draw; a secret
// whose hash was published before anybody entered; and a public value that was named
// beforehand and is witnessed elsewhere, such as the result of a numbered national
// lottery. Who knows the secret cannot choose the value, and who could choose the
// value does not know the secret.
//
//	seed   = SHA-256(root ‖ secret ‖ value as typed, in UTF-8)
//	number = the first 8 bytes, big-endian, of HMAC-SHA256(seed, place ‖ try)
//
// Places are drawn one after the other from those who are left, in sorted order; place
// and try count from 0 and are 8 bytes each, big-endian. A number at or above the
// largest multiple of those who are left is thrown away and tried again, so that nobody
// is likelier than another (Lemire, "Fast Random Integer Generation in an Interval",
// 2019, §2: the classical method). Who was drawn gives their index to the last of those
// who are left.
package draw

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Limits of a draw.
const (
	// MaxPlaces bounds winners and reserves together.
	MaxPlaces = 100_000
	// SecretBytes is the length of a secret.
	SecretBytes = 32
	// maxText bounds names, sources and values, in bytes.
	maxText = 1000
)

// Prize is one kind of thing that is drawn for.
type Prize struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// Announcement is what everybody can read before the first entrant can join. Nothing
// of it changes afterwards.
type Announcement struct {
	Campaign string `json:"campaign"`
	Draw     string `json:"draw"`
	// Prizes are drawn in this order, Reserves after them.
	Prizes   []Prize `json:"prizes"`
	Reserves int     `json:"reserves"`
	// Source names the public value so precisely that nobody can choose between two.
	Source string `json:"source"`
	// SecretHash is the SHA-256 of the secret.
	SecretHash Hash `json:"secret_sha256"`
}

// Validate tells what is wrong with an announcement.
func (a *Announcement) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for name, text := range map[string]string{"campaign": a.Campaign, "draw": a.Draw, "source": a.Source} {
		if text == "" || len(text) > maxText {
			bad("%s has %d bytes, want 1 to %d", name, len(text), maxText)
		}
	}
	if a.Reserves < 0 {
		bad("%d reserves", a.Reserves)
	}
	seen := map[string]bool{}
	for i, p := range a.Prizes {
		if p.ID == "" || p.Name == "" || len(p.ID) > maxText || len(p.Name) > maxText || seen[p.ID] {
			bad("prize %d needs an id of its own and a name", i+1)
		}
		if p.Count < 1 || p.Count > MaxPlaces {
			bad("prize %q is drawn %d times, want 1 to %d", p.ID, p.Count, MaxPlaces)
		}
		seen[p.ID] = true
	}
	if len(a.Prizes) == 0 {
		bad("there is nothing to win")
	}
	if len(errs) == 0 && a.winners()+a.Reserves > MaxPlaces {
		bad("%d winners and %d reserves are more than %d", a.winners(), a.Reserves, MaxPlaces)
	}
	return errors.Join(errs...)
}

// winners is how many things there are to win.
func (a *Announcement) winners() int {
	n := 0
	for _, p := range a.Prizes {
		n = min(n+p.Count, MaxPlaces+1)
	}
	return n
}

// Place is one result: who was drawn, and for what.
type Place struct {
	Place int `json:"place"` // from 1
	// Prize is the id of what they won; "" for a reserve.
	Prize  string `json:"prize,omitempty"`
	Ticket string `json:"ticket"`
}

// Seed mixes what nobody could choose.
func Seed(root Hash, secret []byte, value string) Hash {
	h := sha256.New()
	h.Write(root[:])
	h.Write(secret)
	h.Write([]byte(value))
	return Hash(h.Sum(nil))
}

// Choose draws the places of an announcement among sorted entrants. Where there are
// fewer entrants than places, the last places are left out.
func Choose(seed Hash, a *Announcement, entrants []string) []Place {
	left := slices.Clone(entrants)
	winners := a.winners()
	out := make([]Place, 0, min(len(left), winners+a.Reserves))
	for i := 0; i < winners+a.Reserves && len(left) > 0; i++ {
		k := index(seed, i, len(left))
		out = append(out, Place{Place: i + 1, Prize: a.prizeOf(i), Ticket: left[k]})
		left[k] = left[len(left)-1]
		left = left[:len(left)-1]
	}
	return out
}

// prizeOf is what the place with this index, from 0, wins.
func (a *Announcement) prizeOf(i int) string {
	for _, p := range a.Prizes {
		if i < p.Count {
			return p.ID
		}
		i -= p.Count
	}
	return ""
}

// index is a number below n for a place, each as likely as any other.
func index(seed Hash, place, n int) int {
	m := uint64(n) //nolint:gosec // the number of entrants, above 0
	tail := (math.MaxUint64%m + 1) % m
	for try := uint64(0); ; try++ {
		if x := number(seed, uint64(place), try); x <= math.MaxUint64-tail { //nolint:gosec // a place counts from 0
			return int(x % m) //nolint:gosec // below n, which is an int
		}
	}
}

func number(seed Hash, place, try uint64) uint64 {
	mac := hmac.New(sha256.New, seed[:])
	mac.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, place), try))
	return binary.BigEndian.Uint64(mac.Sum(nil))
}
