package pledge_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/pledge"
)

var (
	opens  = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	closes = time.Date(2026, 6, 27, 0, 0, 0, 0, time.UTC)
	noon   = time.Date(2026, 6, 10, 4, 0, 0, 123_456_789, time.UTC)
)

// offer has two versions, of which the second is to be signed.
func offer() pledge.Offer {
	both := []pledge.Method{pledge.Typed, pledge.Drawn}
	return pledge.Offer{
		Prefix: "JZ26",
		Campaign: &campaign.Campaign{
			ID: "antidrug", Zone: time.UTC, OpensAt: opens, ClosesAt: closes, Shards: 2,
			Groups: []campaign.Group{{ID: "public"}},
		},
		Versions: []pledge.Version{
			{Version: "2025", Text: campaign.Text{"zh-CN": "旧的承诺。"}, Methods: both},
			{Version: "2026", Text: campaign.Text{"zh-CN": "我郑重承诺：不吸毒。", "bo": "ངས་དམ་བཅའ་འཇོག"}, Methods: both},
		},
	}
}

func typed(changes ...func(*pledge.Request)) pledge.Request {
	r := pledge.Request{Version: "2026", Method: pledge.Typed, Name: "张小三", Lang: "zh-CN"}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func draws(r *pledge.Request) { r.Method, r.Strokes = pledge.Drawn, zhangSan() }

func TestDecide(t *testing.T) {
	t.Parallel()
	o := offer()
	strokes, err := json.Marshal(zhangSan())
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		request  pledge.Request
		want     pledge.Signature
		personal campaign.Personal
	}{
		"typed": {
			typed(),
			pledge.Signature{Method: pledge.Typed, MaskedName: "张**", TextSHA256: o.Versions[1].SHA256("zh-CN")},
			campaign.Personal{Name: "张小三"},
		},
		"typed with spaces": {
			typed(func(r *pledge.Request) { r.Name = "  买买提•艾山 " }),
			pledge.Signature{Method: pledge.Typed, MaskedName: "买**", TextSHA256: o.Versions[1].SHA256("zh-CN")},
			campaign.Personal{Name: "买买提·艾山"},
		},
		"drawn": {
			typed(draws),
			pledge.Signature{Method: pledge.Drawn, MaskedName: "张**", TextSHA256: o.Versions[1].SHA256("zh-CN")},
			campaign.Personal{Name: "张小三", Strokes: string(strokes)},
		},
		"read in Tibetan": {
			typed(func(r *pledge.Request) { r.Lang = "bo" }),
			pledge.Signature{Method: pledge.Typed, MaskedName: "张**", TextSHA256: o.Versions[1].SHA256("bo")},
			campaign.Personal{Name: "张小三"},
		},
	} {
		tc.want.Version, tc.want.State, tc.want.SignedAt = "2026", pledge.Valid, noon.Truncate(time.Millisecond)
		sig, p, err := o.Decide(tc.request, noon)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tc.want, sig); diff != "" {
			t.Errorf("%s: signature (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(tc.personal, p); diff != "" {
			t.Errorf("%s: personal (-want +got):\n%s", name, diff)
		}
	}
}

func TestDecideRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		request pledge.Request
		change  func(*pledge.Offer)
		at      time.Time
		want    *fault.Error
		field   string
	}{
		"too soon":            {request: typed(), at: opens.Add(-1), want: campaign.ErrNotOpen},
		"too late":            {request: typed(), at: closes, want: campaign.ErrClosed},
		"paused":              {request: typed(), change: func(o *pledge.Offer) { o.Campaign.Paused = true }, want: campaign.ErrPaused},
		"the older version":   {request: typed(func(r *pledge.Request) { r.Version = "2025" }), want: pledge.ErrVersionChanged},
		"no version":          {request: typed(func(r *pledge.Request) { r.Version = "" }), want: pledge.ErrVersionChanged},
		"an unknown method":   {request: typed(func(r *pledge.Request) { r.Method = "spoken" }), want: fault.ErrInvalid, field: "method"},
		"no method":           {request: typed(func(r *pledge.Request) { r.Method = "" }), want: fault.ErrInvalid, field: "method"},
		"a method not taken":  {request: typed(draws), change: func(o *pledge.Offer) { o.Versions[1].Methods = o.Versions[1].Methods[:1] }, want: fault.ErrInvalid, field: "method"},
		"no name":             {request: typed(func(r *pledge.Request) { r.Name = "" }), want: fault.ErrInvalid, field: "name"},
		"an emoji for a name": {request: typed(func(r *pledge.Request) { r.Name = "😀" }), want: fault.ErrInvalid, field: "name"},
		"no name, drawn":      {request: typed(draws, func(r *pledge.Request) { r.Name = "" }), want: fault.ErrInvalid, field: "name"},
		"typed with strokes":  {request: typed(func(r *pledge.Request) { r.Strokes = zhangSan() }), want: fault.ErrInvalid, field: "strokes"},
		"drawn and blank":     {request: typed(func(r *pledge.Request) { r.Method = pledge.Drawn }), want: pledge.ErrStrokesInvalid},
	} {
		o := offer()
		if tc.change != nil {
			tc.change(&o)
		}
		if tc.at.IsZero() {
			tc.at = noon
		}
		_, _, err := o.Decide(tc.request, tc.at)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: Decide = %v, want %v", name, err, tc.want)
		}
		if f := fault.From(err); tc.field != "" && (len(f.Fields) != 1 || f.Fields[0].Name != tc.field) {
			t.Errorf("%s: names the fields %v, want %s", name, f.Fields, tc.field)
		}
	}
}

// TestASignatureBindsToItsText: the digest is that of the very text, in the
// language it was read in.
func TestASignatureBindsToItsText(t *testing.T) {
	t.Parallel()
	v := pledge.Version{Text: campaign.Text{"zh-CN": "承诺", "bo": "དམ་བཅའ"}}
	for lang, text := range map[string]string{"zh-CN": "承诺", "bo": "དམ་བཅའ", "ug": "承诺"} {
		sum := sha256.Sum256([]byte(text))
		if got := v.SHA256(lang); got != hex.EncodeToString(sum[:]) {
			t.Errorf("digest in %s is %s", lang, got)
		}
	}
}
