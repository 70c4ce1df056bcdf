package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"maps"
	"runtime"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"qingyuan/internal/token"
	"qingyuan/internal/waittest"
)

const (
	goodHead   = `{"alg":"HS256","kid":"k1","typ":"JWT"}`
	goodClaims = `{"iss":"qingyuan","aud":"test","sub":"participant-0001","typ":"access","fam":"family-1","iat":1800000000,"nbf":1800000000,"exp":1800007200}`
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// mac signs any text at all, as somebody who holds the key could.
func mac(h func() hash.Hash, key []byte, text string) string {
	m := hmac.New(h, key)
	m.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// signed puts a true MAC under whatever header and claims are given: what is
// wrong with the result is then what the case says, and nothing else.
func signed(head, claims string) string {
	text := b64(head) + "." + b64(claims)
	return text + "." + mac(sha256.New, secret('1'), text)
}

// claims returns good claims with the first old text replaced.
func claims(old, replacement string) string {
	out := strings.Replace(goodClaims, old, replacement, 1)
	if out == goodClaims {
		panic("nothing to replace: " + old)
	}
	return out
}

func ecSigned(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"sub": "x"}).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// forgedHeaders are tokens with a header that this program would never write.
// All of them carry a true MAC where one is possible.
func forgedHeaders(t *testing.T) map[string]string {
	t.Helper()
	text := b64(goodHead) + "." + b64(goodClaims)
	hs512 := b64(`{"alg":"HS512","kid":"k1","typ":"JWT"}`) + "." + b64(goodClaims)
	none := b64(`{"alg":"none","kid":"k1","typ":"JWT"}`) + "." + b64(goodClaims)
	return map[string]string{
		"alg none, no MAC":        none + ".",
		"alg none, true MAC":      signed(`{"alg":"none","kid":"k1","typ":"JWT"}`, goodClaims),
		"alg None":                signed(`{"alg":"None","kid":"k1","typ":"JWT"}`, goodClaims),
		"alg missing":             signed(`{"kid":"k1","typ":"JWT"}`, goodClaims),
		"alg null":                signed(`{"alg":null,"kid":"k1","typ":"JWT"}`, goodClaims),
		"alg HS512":               hs512 + "." + mac(sha512.New, secret('1'), hs512),
		"alg HS384 named only":    signed(`{"alg":"HS384","kid":"k1","typ":"JWT"}`, goodClaims),
		"alg RS256, HMAC inside":  signed(`{"alg":"RS256","kid":"k1","typ":"JWT"}`, goodClaims),
		"alg ES256, truly signed": ecSigned(t),
		"alg given twice":         signed(`{"alg":"none","alg":"HS256","kid":"k1","typ":"JWT"}`, goodClaims),
		"kid missing":             signed(`{"alg":"HS256","typ":"JWT"}`, goodClaims),
		"kid unknown":             signed(`{"alg":"HS256","kid":"k9","typ":"JWT"}`, goodClaims),
		"kid a path":              signed(`{"alg":"HS256","kid":"../../../dev/null","typ":"JWT"}`, goodClaims),
		"kid SQL":                 signed(`{"alg":"HS256","kid":"k1' UNION SELECT 'x","typ":"JWT"}`, goodClaims),
		"kid a number":            signed(`{"alg":"HS256","kid":1,"typ":"JWT"}`, goodClaims),
		"kid given twice":         signed(`{"alg":"HS256","kid":"k9","kid":"k1","typ":"JWT"}`, goodClaims),
		"jku":                     signed(`{"alg":"HS256","jku":"http://127.0.0.1:1/k","kid":"k1","typ":"JWT"}`, goodClaims),
		"x5u":                     signed(`{"alg":"HS256","kid":"k1","typ":"JWT","x5u":"http://127.0.0.1:1/k"}`, goodClaims),
		"jwk":                     signed(`{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"},"kid":"k1","typ":"JWT"}`, goodClaims),
		"crit":                    signed(`{"alg":"HS256","crit":["exp"],"kid":"k1","typ":"JWT"}`, goodClaims),
		"header with spaces":      signed(`{"alg": "HS256", "kid": "k1", "typ": "JWT"}`, goodClaims),
		"header not JSON":         signed(`not json`, goodClaims),
		"header an array":         signed(`[]`, goodClaims),
		"header empty":            "." + strings.TrimPrefix(text, b64(goodHead)+".") + "." + mac(sha256.New, secret('1'), text),
		"header padded":           b64(goodHead) + "=." + b64(goodClaims) + "." + mac(sha256.New, secret('1'), text),
	}
}

// forgedClaims carry our own header and a true MAC: only the claims are wrong.
func forgedClaims() map[string]string {
	out := map[string]string{}
	for name, c := range map[string]string{
		"issuer missing":        claims(`"iss":"qingyuan",`, ``),
		"issuer another":        claims(`"qingyuan"`, `"somebody"`),
		"audience missing":      claims(`"aud":"test",`, ``),
		"audience another":      claims(`"aud":"test"`, `"aud":"prod"`),
		"audience a list":       claims(`"aud":"test"`, `"aud":["test"]`),
		"subject missing":       claims(`"sub":"participant-0001",`, ``),
		"subject empty":         claims(`"participant-0001"`, `""`),
		"subject null":          claims(`"participant-0001"`, `null`),
		"type missing":          claims(`"typ":"access",`, ``),
		"type refresh":          claims(`"access"`, `"refresh"`),
		"type viewer":           claims(`"access"`, `"viewer"`),
		"family missing":        claims(`"fam":"family-1",`, ``),
		"access with a role":    claims(`"fam"`, `"role":"viewer","fam"`),
		"access with a scope":   claims(`"fam"`, `"scope":"140702","fam"`),
		"a scope that is null":  claims(`"fam"`, `"scope":null,"fam"`),
		"issued never":          claims(`"iat":1800000000,`, ``),
		"issued tomorrow":       claims(`"iat":1800000000`, `"iat":1800086400`),
		"not before missing":    claims(`"nbf":1800000000,`, ``),
		"not before tomorrow":   claims(`"nbf":1800000000`, `"nbf":1800086400`),
		"no end":                claims(`,"exp":1800007200`, ``),
		"end null":              claims(`1800007200`, `null`),
		"end a text":            claims(`1800007200`, `"1800007200"`),
		"end a fraction":        claims(`1800007200`, `1800007200.5`),
		"end infinite":          claims(`1800007200`, `1e999`),
		"end as exponent":       claims(`1800007200`, `18e8`),
		"end past and foreign":  strings.Replace(claims(`1800007200`, `1700000000`), `"test"`, `"prod"`, 1),
		"end given twice":       claims(`"exp"`, `"exp":1,"exp"`),
		"end twice by escape":   claims(`"exp"`, `"\u0065xp":1,"exp"`),
		"subject given twice":   claims(`"sub"`, `"sub":"other","sub"`),
		"name in capitals":      claims(`"exp"`, `"EXP"`),
		"capitals and not":      claims(`"exp"`, `"EXP":1900000000,"exp"`),
		"unknown claim":         claims(`"fam"`, `"admin":true,"fam"`),
		"nested claim":          claims(`"family-1"`, `{"a":1}`),
		"claims a list":         `[]`,
		"claims null":           `null`,
		"claims a text":         `"x"`,
		"claims empty":          `{}`,
		"claims not JSON":       `{"iss":`,
		"claims twice":          goodClaims + goodClaims,
		"deep nesting":          strings.Repeat("[", 700) + strings.Repeat("]", 700),
		"viewer, another role":  `{"iss":"qingyuan","aud":"test","sub":"viewer","typ":"viewer","campaign":"c","role":"admin","iat":1800000000,"nbf":1800000000,"exp":1800007200}`,
		"viewer, no campaign":   `{"iss":"qingyuan","aud":"test","sub":"viewer","typ":"viewer","role":"viewer","iat":1800000000,"nbf":1800000000,"exp":1800007200}`,
		"viewer of participant": `{"iss":"qingyuan","aud":"test","sub":"participant-0001","typ":"viewer","campaign":"c","role":"viewer","iat":1800000000,"nbf":1800000000,"exp":1800007200}`,
	} {
		out[name] = signed(goodHead, c)
	}
	return out
}

// forgedShapes are good tokens damaged after signing, and rubbish.
func forgedShapes() map[string]string {
	good := signed(goodHead, goodClaims)
	text := good[:strings.LastIndexByte(good, '.')]
	last := good[len(good)-1]
	return map[string]string{
		"no MAC":              text + ".",
		"no MAC, no dot":      text,
		"two parts":           strings.Join(strings.Split(good, ".")[:2], "."),
		"four parts":          good + ".",
		"five parts, as JWE":  good + "." + good,
		"MAC of zeros":        text + "." + strings.Repeat("A", 43),
		"MAC cut":             good[:len(good)-1],
		"MAC with a line end": good[:len(good)-1] + "\n" + string(last),
		"MAC by another key":  text + "." + mac(sha256.New, secret('9'), text),
		"MAC by an empty key": text + "." + mac(sha256.New, nil, text),
		"MAC, trailing bits":  good[:len(good)-1] + string(rune(last+1)),
		"claims exchanged":    b64(goodHead) + "." + b64(claims("0001", "0002")) + good[strings.LastIndexByte(good, '.'):],
		"space before":        " " + good,
		"space after":         good + " ",
		"NUL after":           good + "\x00",
		"only dots":           "..",
		"one dot":             ".",
		"not a token":         "eyJ",
		"invalid UTF-8":       "\xff\xfe.\xff.\xff",
		"refresh token":       "AAAAAAAAAAAAAAAA.BBBBBBBBBBBBBBBBBBBBBB.1.k1." + strings.Repeat("A", 43),
		"1 MB of dots":        strings.Repeat(".", 1<<20),
		"1 MB after a token":  good + strings.Repeat("A", 1<<20),
		"just over 2 KiB":     signed(goodHead, claims("family-1", strings.Repeat("f", 2000))),
	}
}

func TestForgedTokens(t *testing.T) {
	c := waittest.NewClock(start)
	a := authority(t, options(c))
	if _, err := a.Check(signed(goodHead, goodClaims), token.Access); err != nil {
		t.Fatalf("the model of all forgeries is refused itself: %v", err)
	}
	all := forgedHeaders(t)
	maps.Copy(all, forgedClaims())
	maps.Copy(all, forgedShapes())
	t.Logf("%d forged tokens", len(all))
	for name, raw := range all {
		for range 2 { // what is refused must not be remembered as good
			if got, err := a.Check(raw, token.Access, token.Viewer); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("%s: Check = %+v, %v; want %v", name, got, err, token.ErrInvalid)
			}
		}
		if n := allocated(func() { _, _ = a.Check(raw, token.Access) }); n > 48<<10 {
			t.Errorf("%s: %d bytes allocated for one check", name, n)
		}
	}
}

// allocated returns the bytes that one call of f allocates, as the least of
// several tries, because other goroutines allocate too.
func allocated(f func()) uint64 {
	least := ^uint64(0)
	var before, after runtime.MemStats
	for range 5 {
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

func FuzzCheck(f *testing.F) {
	c := waittest.NewClock(start)
	o := options(c)
	o.CacheSize = -1
	a := authority(f, o)
	f.Add(goodHead, goodClaims, true)
	f.Add(goodHead, `{"exp":1,"exp":2}`, true)
	f.Add(`{"alg":"none"}`, goodClaims, false)
	f.Add("", "", false)
	f.Fuzz(func(t *testing.T, head, body string, truly bool) {
		raw := head + "." + body
		if truly {
			raw = signed(head, body)
		}
		got, err := a.Check(raw, token.Access, token.Viewer)
		switch {
		case err == nil && (!truly || head != goodHead):
			t.Errorf("took %q: %+v", raw, got)
		case err == nil && got.Participant == "" && got.Campaign == "":
			t.Errorf("took claims of nobody: %q", body)
		case err != nil && got != token.Claims{}:
			t.Errorf("refused and yet answered %+v", got)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	for name, size := range map[string]int{"verified": -1, "remembered": 1024} {
		b.Run(name, func(b *testing.B) {
			c := waittest.NewClock(start)
			o := options(c)
			o.CacheSize = size
			a := authority(b, o)
			tokens := make([]string, 512)
			for i := range tokens {
				tokens[i], _ = a.SignAccess(fmt.Sprintf("participant-%04d", i), "AAAAAAAAAAAAAAAAAAAAAA")
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := a.Check(tokens[i%len(tokens)], token.Access); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
