package draw_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"qingyuan/prize/draw"
)

// pageDigest is the SHA-256 of the files of a thousand draws, one behind the other. The
// page that computes draws in a browser makes the same ones, in web/test/draws.test.ts:
// whoever changes the rules or the format changes both.
const pageDigest = "10f24cb893982c73efd05139114e20f54e7a6595d6d12c756c532b25fd15cd1f"

// TestAgreesWithThePage makes draws that follow from their number alone.
func TestAgreesWithThePage(t *testing.T) {
	t.Parallel()
	h := sha256.New()
	for i := range 1000 {
		a, f, secret, value := numbered(i)
		file, err := draw.New(a, f, secret, value)
		if err != nil {
			t.Fatal(err)
		}
		for place := range min(a.Reserves, len(file.Places), i%3) {
			if _, err := file.Redraw(place+1, fmt.Sprint("逾期 ", place)); err != nil {
				break // fewer reserves were drawn than there might be
			}
		}
		h.Write(written(t, file))
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != pageDigest {
		t.Errorf("the digest of the draws is %s, and the page's is %s", got, pageDigest)
	}
}

// numbered is a draw by its number. Names and sources have signs that writers of JSON
// might write in different ways.
func numbered(i int) (draw.Announcement, draw.Frozen, draw.Secret, string) {
	sum := func(what string, k int) [32]byte { return sha256.Sum256(fmt.Appendf(nil, "%d %s %d", i, what, k)) }
	named := func(what string, n int) []string {
		out := make([]string, n)
		for k := range out {
			ticket := sum(what, k)
			out[k] = hex.EncodeToString(ticket[:16])
		}
		slices.Sort(out)
		return out
	}
	plan, secret := sum("plan", 0), sum("secret", 0)
	a := draw.Announcement{
		Campaign: "town-2026", Draw: fmt.Sprint("draw-", i), Reserves: int(plan[8]) % 6,
		Source: "双色球\u2028第 \"2026\\077\" 期\t<&>\x01\x7f😀", SecretHash: sha256.Sum256(secret[:]),
	}
	for k := range 1 + int(plan[2])%3 {
		a.Prizes = append(a.Prizes, draw.Prize{ID: fmt.Sprint("p", k), Name: fmt.Sprint("奖品 ", k), Count: 1 + int(plan[3+k])%9})
	}
	entrants := int(plan[0]) % 60
	if i%100 == 0 {
		entrants += 700
	}
	f := draw.Frozen{Entrants: named("entrant", entrants), Excluded: named("excluded", int(plan[1])%5)}
	return a, f, draw.Secret(secret), fmt.Sprintf("%02d %02d + %02d\n", plan[9], plan[10], plan[11])
}
