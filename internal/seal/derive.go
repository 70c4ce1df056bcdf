package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
)

// Derive returns the key for one purpose, named by label, from a master secret
// of at least 32 random bytes (HKDF-SHA256). Keys of different labels tell
// nothing about each other or about the master, so one secret is enough for a
// deployment. A label, once used, keeps its meaning for ever.
func Derive(master []byte, label string) [32]byte {
	key, err := hkdf.Key(sha256.New, master, nil, "qingyuan/v1 "+label, sha256.Size)
	if err != nil {
		// HKDF refuses only lengths that this function never asks for.
		panic("seal: derive " + label + ": " + err.Error())
	}
	return [32]byte(key)
}
