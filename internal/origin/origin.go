// Package origin tells whether two acts came from the same place, and nothing about
// where that is: an address and a device are keyed and cut, with a key of the campaign's
// own that is destroyed after its end. From then on what the facts hold means nothing.
package origin

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"strings"
)

// Secret is what a campaign's key is made of. It lies in SQL alone.
type Secret [32]byte

// Key is a campaign's own, in the memory of servers. An address is as long as a block of
// AES, so that a mark costs one block and no hash: this happens with every submission.
type Key struct{ address, network, device cipher.Block }

// NewKey makes a key ready.
func NewKey(s Secret) *Key {
	of := func(purpose string) cipher.Block {
		m := hmac.New(sha256.New, s[:])
		m.Write([]byte(purpose))
		block, err := aes.NewCipher(m.Sum(nil))
		if err != nil {
			panic(err) // 32 bytes are a key
		}
		return block
	}
	return &Key{of("address"), of("network"), of("device")}
}

// size is how much of a block is kept, in bytes: enough to tell millions apart.
const size = 6

// separator stands between the parts of a mark.
const separator = "."

// cut is what is kept of a block.
func cut(with cipher.Block, value [aes.BlockSize]byte) string {
	var out [aes.BlockSize]byte
	with.Encrypt(out[:], value[:])
	return base64.RawURLEncoding.EncodeToString(out[:size])
}

// Address is what is kept of an address.
func (k *Key) Address(a netip.Addr) string { return cut(k.address, a.As16()) }

// Network is what is kept of the network of an address: /24, or /48 of IPv6.
func (k *Key) Network(a netip.Addr) string { return cut(k.network, NetworkOf(a).Addr().As16()) }

// Device is what is kept of what a client calls its device.
func (k *Key) Device(id string) string {
	sum := sha256.Sum256([]byte(id))
	return cut(k.device, [aes.BlockSize]byte(sum[:aes.BlockSize]))
}

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
