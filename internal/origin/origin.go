// Package origin tells whether two acts came from the same place, and nothing about
// where that is: an address and a device are keyed and cut, with a key of the campaign's
// own that is destroyed after its end. From then on what the facts hold means nothing.
package origin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"strings"
)

// Key is a campaign's own. It lies in SQL alone, and in the memory of servers.
type Key [32]byte

// size is how much of a hash is kept, in bytes: enough to tell millions apart.
const size = 6

// separator stands between the parts of a mark.
const separator = "."

func (k *Key) cut(kind, value string) string {
	m := hmac.New(sha256.New, k[:])
	m.Write([]byte(kind))
	m.Write([]byte(value))
	var sum [sha256.Size]byte
	return base64.RawURLEncoding.EncodeToString(m.Sum(sum[:0])[:size])
}

// Address is what is kept of an address.
func (k *Key) Address(a netip.Addr) string { return k.cut("a", a.Unmap().WithZone("").String()) }

// Network is what is kept of the network of an address: /24, or /48 of IPv6.
func (k *Key) Network(a netip.Addr) string { return k.cut("n", NetworkOf(a).String()) }

// Device is what is kept of what a client calls its device.
func (k *Key) Device(id string) string { return k.cut("d", id) }

// Bits of the networks that are told apart.
const (
	networkBits4 = 24
	networkBits6 = 48
)

// NetworkOf is the network that an address is told by.
func NetworkOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := networkBits4
	if a.Is6() {
		bits = networkBits6
	}
	p, err := a.Prefix(bits)
	if err != nil { // an address that is none
		return netip.Prefix{}
	}
	return p
}

// Mark is what a fact holds of where an act came from: "address.network.device", the
// last part empty where the client names no device.
func (k *Key) Mark(a netip.Addr, device string) string {
	if !a.IsValid() {
		return ""
	}
	mark := k.Address(a) + separator + k.Network(a) + separator
	if device != "" {
		mark += k.Device(device)
	}
	return mark
}

// Parts takes a mark apart; "" has none.
func Parts(mark string) (address, network, device string) {
	address, rest, _ := strings.Cut(mark, separator)
	network, device, _ = strings.Cut(rest, separator)
	return address, network, device
}

// longestDevice bounds what a client may call its device.
const longestDevice = 64

// CleanDevice returns what a client calls its device, or "" where that is no plain
// name.
func CleanDevice(id string) string {
	if len(id) > longestDevice {
		return ""
	}
	for i := range len(id) {
		c := id[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return ""
		}
	}
	return id
}

type contextKey struct{}

// With returns a context in which acts come from there.
func With(ctx context.Context, mark string) context.Context {
	if mark == "" {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, mark)
}

// From returns where acts come from, or "".
func From(ctx context.Context) string {
	mark, _ := ctx.Value(contextKey{}).(string)
	return mark
}
