package draw_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
)

// again computes the places of a draw's file from the description of the rules alone:
// with other types, other arithmetic and another tree. It shares nothing with the
// package but the text at its top.
func again(file []byte) ([]string, error) {
	var f struct {
		Announcement struct {
			Prizes []struct {
				ID    string
				Count int
			}
			Reserves int
		}
		Secret   string
		Value    string
		Entrants []string
	}
	if err := json.Unmarshal(file, &f); err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(f.Secret)
	if err != nil {
		return nil, err
	}
	seed := sha256.Sum256(slices.Concat(merkle(f.Entrants), secret, []byte(f.Value)))
	var wins []string
	for _, p := range f.Announcement.Prizes {
		for range p.Count {
			wins = append(wins, p.ID)
		}
	}
	for range f.Announcement.Reserves {
		wins = append(wins, "")
	}
	var out []string
	left := slices.Clone(f.Entrants)
	whole := new(big.Int).Lsh(big.NewInt(1), 64)
	for place, prize := range wins {
		n := big.NewInt(int64(len(left)))
		if n.Sign() == 0 {
			break
		}
		fair := new(big.Int).Mul(new(big.Int).Div(whole, n), n)
		for try := 0; ; try++ {
			mac := hmac.New(sha256.New, seed[:])
			mac.Write(big.NewInt(int64(place)).FillBytes(make([]byte, 8)))
			mac.Write(big.NewInt(int64(try)).FillBytes(make([]byte, 8)))
			x := new(big.Int).SetBytes(mac.Sum(nil)[:8])
			if x.Cmp(fair) >= 0 {
				continue
			}
			k := int(x.Mod(x, n).Int64())
			out = append(out, fmt.Sprint(place+1, " ", prize, " ", left[k]))
			left[k] = left[len(left)-1]
			left = left[:len(left)-1]
			break
		}
	}
	return out, nil
}

// merkle is the hash of RFC 6962 §2.1 as it is defined there.
func merkle(leaves []string) []byte {
	if len(leaves) == 0 {
		none := sha256.Sum256(nil)
		return none[:]
	}
	if len(leaves) == 1 {
		leaf := sha256.Sum256(append([]byte{0}, leaves[0]...))
		return leaf[:]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	node := sha256.Sum256(slices.Concat([]byte{1}, merkle(leaves[:k]), merkle(leaves[k:])))
	return node[:]
}
