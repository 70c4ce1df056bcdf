package draw_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"math/bits"
	"slices"
)

// again computes the places of a draw's file from the description of the rules alone, with
// other arithmetic and another tree. It shares nothing with the package.
func again(file []byte) (places []string, err error) {
	var f struct {
		Announcement struct {
			Prizes []struct {
				ID    string
				Count int
			}
			Reserves int
		}
		Secret, Value string
		Entrants      []string
	}
	err = json.Unmarshal(file, &f)
	secret, _ := hex.DecodeString(f.Secret)
	seed := sha256.Sum256(slices.Concat(merkle(f.Entrants), secret, []byte(f.Value)))
	var prizes []string
	for _, p := range f.Announcement.Prizes {
		prizes = append(prizes, slices.Repeat([]string{p.ID}, p.Count)...)
	}
	prizes = append(prizes, make([]string, f.Announcement.Reserves)...)
	for left := f.Entrants; len(places) < len(prizes) && len(left) > 0; left = left[:len(left)-1] {
		k := below(seed[:], int64(len(places)), int64(len(left)))
		places = append(places, fmt.Sprint(len(places)+1, " ", prizes[len(places)], " ", left[k]))
		left[k] = left[len(left)-1]
	}
	return places, err
}

// below is a number below n, each as likely as any other.
func below(seed []byte, place, n int64) int64 {
	whole, count := new(big.Int).Lsh(big.NewInt(1), 64), big.NewInt(n)
	fair := new(big.Int).Sub(whole, new(big.Int).Mod(whole, count))
	for try := int64(0); ; try++ {
		mac := hmac.New(sha256.New, seed)
		both := new(big.Int).Lsh(big.NewInt(place), 64)
		mac.Write(both.Add(both, big.NewInt(try)).FillBytes(make([]byte, 16)))
		if x := new(big.Int).SetBytes(mac.Sum(nil)[:8]); x.Cmp(fair) < 0 {
			return x.Mod(x, count).Int64()
		}
	}
}

// merkle is the hash of RFC 6962 §2.1 as it is defined there.
func merkle(leaves []string) []byte {
	hash := sha256.Sum256(nil)
	if n := len(leaves); n == 1 {
		hash = sha256.Sum256([]byte("\x00" + leaves[0]))
	} else if n > 1 {
		k := 1 << (bits.Len(uint(n-1)) - 1)
		hash = sha256.Sum256(slices.Concat([]byte{1}, merkle(leaves[:k]), merkle(leaves[k:])))
	}
	return hash[:]
}
