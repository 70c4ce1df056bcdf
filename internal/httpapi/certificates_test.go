package httpapi

import (
	"bytes"
	"context"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"qingyuan/campaign"
	"qingyuan/internal/certificate"
	"qingyuan/internal/fault"
	"qingyuan/pledge"
)

// stubSigners has one name for everybody.
type stubSigners struct{ err error }

func (s stubSigners) Signer(context.Context, string, string) (Signer, error) {
	return Signer{Name: "张小三"}, s.err
}

const certificatePath = "/api/v1/campaigns/spring/signatures/me/certificate"

// signedAs lets everybody have signed, with a state.
func signedAs(state pledge.State) func(*testing.T, *bench) {
	return func(_ *testing.T, b *bench) {
		r := newSignature()
		r.State = state
		b.pledges.signature = func(string, string) (pledge.Receipt, error) { return r, nil }
		b.pledges.bySerial = func(serial string) (pledge.Receipt, *campaign.Campaign, error) {
			if serial != r.Serial {
				return pledge.Receipt{}, nil, pledge.ErrNotSigned
			}
			return r, b.catalog.campaigns[0], nil
		}
	}
}

// codeOn reads the QR code of a picture as a phone does.
func codeOn(t *testing.T, body string) string {
	t.Helper()
	picture, err := png.Decode(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	bits, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	got, err := qrcode.NewQRCodeReader().Decode(bits, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got.GetText()
}

func TestOwnCertificate(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(b *bench) { signedAs(pledge.Valid)(t, b) })
	a := b.get(t, certificatePath, "p:ann")
	if a.status != 200 || a.header.Get("Content-Type") != "image/png" || a.header.Get("Cache-Control") != "private, no-cache" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	if got, want := codeOn(t, a.body), "http://example.com/check/"+newSignature().Serial; got != want {
		t.Errorf("the code says %q, want %q", got, want)
	}
	req := request(http.MethodGet, certificatePath, "p:ann", "")
	req.Header.Set("If-None-Match", a.header.Get("ETag"))
	if again := b.do(t, req); again.status != 304 || again.body != "" {
		t.Errorf("asked again: %d with %d bytes", again.status, len(again.body))
	}
	b.PublicURL = "https://jindu.example.gov.cn"
	if moved := b.get(t, certificatePath, "p:ann"); codeOn(t, moved.body) != b.PublicURL+"/check/"+newSignature().Serial ||
		moved.header.Get("ETag") == a.header.Get("ETag") {
		t.Error("the configured address is not the code's, or the tag stayed the same")
	}
}

func TestNoCertificate(t *testing.T) {
	t.Parallel()
	with := func(err error) func(*testing.T, *bench) {
		return func(t *testing.T, b *bench) {
			t.Helper()
			signedAs(pledge.Valid)(t, b)
			b.Signers = stubSigners{err}
		}
	}
	run(t, asAnn(http.MethodGet, certificatePath, map[string]scenario{
		"withdrawn":   {set: signedAs(pledge.Withdrawn), status: 409, code: "certificate.void"},
		"invalidated": {set: signedAs(pledge.Invalidated), status: 409, code: "certificate.void"},
		"erased":      {set: with(certificate.ErrErased), status: 409, code: "certificate.erased"},
		"too early":   {set: with(fault.ErrUnavailable), status: 503, code: "service.unavailable"},
		"not signed": {status: 404, code: "pledge.not_signed", set: func(_ *testing.T, b *bench) {
			b.pledges.signature = func(string, string) (pledge.Receipt, error) { return pledge.Receipt{}, pledge.ErrNotSigned }
		}},
	}))
}

func TestCheckPage(t *testing.T) {
	t.Parallel()
	for state, want := range map[pledge.State]string{
		pledge.Valid: "有效", pledge.Pending: "已签署", pledge.Withdrawn: "已撤回", pledge.Invalidated: "已作废",
	} {
		b := newBench(t, func(b *bench) { signedAs(state)(t, b) })
		a := b.get(t, "/check/"+newSignature().Serial, "")
		for _, text := range []string{want, "张*", "榆次区 榆次一中", "2026年6月2日 12:00", "春季禁毒知识竞答", newSignature().Serial} {
			if a.status != 200 || !strings.Contains(a.body, text) {
				t.Errorf("%s: %d, %q is not on the page:\n%s", state, a.status, text, a.body)
			}
		}
		if strings.Contains(a.body, "张小三") || strings.Contains(a.body, "<script") {
			t.Errorf("%s: the page shows more than it may: %s", state, a.body)
		}
		guess := b.get(t, "/check/SPR-1%3Cb%3E", "")
		if guess.status != 404 || !strings.Contains(guess.body, "没有查到") || strings.Contains(guess.body, "SPR-1") {
			t.Errorf("a guess: %d %s", guess.status, guess.body)
		}
	}
}

// TestHostileNamesOnTheCheckPage puts markup where names come from.
func TestHostileNamesOnTheCheckPage(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(b *bench) {
		signedAs(pledge.Valid)(t, b)
		b.catalog.campaigns[0].Title = zh(`<script>alert(1)</script>"'&`)
	})
	a := b.get(t, "/check/"+newSignature().Serial, "")
	if a.status != 200 || bytes.Contains([]byte(a.body), []byte("<script>")) || !strings.Contains(a.body, "&lt;script&gt;") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestGuessesOnTheCheckPage counts them as those of the API.
func TestGuessesOnTheCheckPage(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(b *bench) {
		signedAs(pledge.Valid)(t, b)
		b.Limits.Lookup = Rate{PerSecond: 0.001, Burst: 2}
	})
	want := []int{404, 404, 429}
	for i, path := range []string{"/check/SPR-1", "/api/v1/signatures/SPR-2", "/check/SPR-3"} {
		if a := b.get(t, path, ""); a.status != want[i] {
			t.Errorf("guess %d: %d, want %d", i, a.status, want[i])
		}
	}
}
