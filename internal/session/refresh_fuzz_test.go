package session

import (
	"errors"
	"strings"
	"testing"

	"qingyuan/internal/seal"
	"qingyuan/internal/token"
)

func FuzzReadRefresh(f *testing.F) {
	ring := seal.Keys{Current: "t1", Secrets: map[string][]byte{
		"t1": []byte(strings.Repeat("1", 32)), "t2": []byte(strings.Repeat("2", 32)),
	}}
	k, err := DeriveKeys(Secrets{Master: []byte(strings.Repeat("m", 32)), Tokens: ring, Seals: ring})
	if err != nil {
		f.Fatal(err)
	}
	id := ID{Participant: "AAAAAAAAAAAAAAAA", Family: "BBBBBBBBBBBBBBBBBBBBBBBBBB"}
	good := k.writeRefresh(id, 7)
	f.Add(good)
	f.Add(strings.Replace(good, ".7.", ".8.", 1))
	f.Add(strings.Replace(good, ".t1.", ".t2.", 1))
	f.Add("....")
	f.Add("")
	f.Fuzz(func(t *testing.T, raw string) {
		got, generation, err := k.readRefresh(raw)
		if err == nil && (raw != good || got != id || generation != 7) {
			t.Errorf("took %q: %+v, %d", raw, got, generation)
		}
		if err != nil && (!errors.Is(err, token.ErrInvalid) || got != (ID{}) || generation != 0) {
			t.Errorf("refused %q with %v, %+v", raw, err, got)
		}
	})
}
