package httpapi

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"qingyuan/campaign"
	"qingyuan/pledge"
)

// signedBody is newSignature as it travels.
func signedBody() string {
	return `{"serial":"SPR-0123456789ABCDEFGHJKMNPQRS","version":"v1","text_sha256":"` + newSignature().TextSHA256 +
		`","signed_at":"2026-06-02T12:00:00.000+08:00","unit":"no1","unit_name":"榆次一中","method":"typed"}`
}

func TestPledge(t *testing.T) {
	t.Parallel()
	const path = "/api/v1/campaigns/spring/pledge"
	run(t, map[string]scenario{
		"text":                {path: path, status: 200, want: `{"version":"v1","title":"禁毒承诺书","text":"我承诺","sha256":"*`},
		"in another language": {path: path + "?lang=bo", status: 200, want: `{"version":"v1","title":"禁毒承诺书","text":"དམ་བཅའ།","sha256":"*`},
		"none": {
			path: path, status: 404, code: "request.not_found",
			set: func(_ *testing.T, b *bench) { b.catalog.pledges = nil },
		},
	})
}

func TestSign(t *testing.T) {
	t.Parallel()
	signs := func(want pledge.Request, fresh bool, err error) func(*testing.T, *bench) {
		return func(t *testing.T, b *bench) {
			t.Helper()
			b.pledges.sign = func(c, p string, r pledge.Request) (pledge.Receipt, bool, error) {
				if c != "spring" || p != "ann" || !reflect.DeepEqual(r, want) {
					t.Errorf("called for %s %s %+v, want %+v", c, p, r, want)
				}
				return newSignature(), fresh, err
			}
		}
	}
	typed := pledge.Request{Version: "v1", Method: pledge.Typed, Name: "张三", Lang: "zh-CN"}
	drawn := pledge.Request{
		Version: "v1", Method: pledge.Drawn, Name: "张三", Lang: "bo",
		Strokes: pledge.Strokes{{{X: 1, Y: 2.5, T: 0}, {X: 3, Y: 4, T: 16}}, {}},
	}
	const (
		path = "/api/v1/campaigns/spring/signatures"
		good = `{"version":"v1","method":"typed","name":"张三"}`
	)
	receipt := signedBody()
	run(t, asAnn(http.MethodPost, path, map[string]scenario{
		"signed": {body: good, set: signs(typed, true, nil), status: 201, want: receipt},
		"again":  {body: good, set: signs(typed, false, nil), status: 200, want: receipt},
		"drawn": {
			path: path + "?lang=bo", set: signs(drawn, true, nil), status: 201, want: receipt,
			body: `{"version":"v1","method":"drawn","name":"张三","strokes":[[{"x":1,"y":2.5,"t":0},{"x":3,"y":4,"t":16}],[]]}`,
		},
		"another text": {body: good, set: signs(typed, false, pledge.ErrVersionChanged), status: 409, code: "pledge.version_changed"},
		"a dot":        {body: good, set: signs(typed, false, pledge.ErrStrokesInvalid), status: 400, code: "pledge.strokes_invalid"},
		"not enrolled": {body: good, set: signs(typed, false, campaign.ErrRequired), status: 409, code: "enrolment.required"},
		"strokes of a mile": {
			body:   `{"version":"v1","method":"drawn","name":"张三","strokes":[[` + strings.Repeat(`{"x":1,"y":1,"t":1},`, 1700) + `{}]]}`,
			status: 400, code: "pledge.strokes_invalid",
		},
		"a point with colour": {
			body:   `{"version":"v1","method":"drawn","name":"张三","strokes":[[{"x":1,"y":1,"t":1,"colour":"red"}]]}`,
			status: 400, code: "request.invalid",
		},
		"a point in words":    {body: `{"version":"v1","method":"drawn","name":"张三","strokes":[[{"x":"1"}]]}`, status: 400, code: "request.invalid"},
		"a number beyond all": {body: `{"version":"v1","method":"drawn","name":"张三","strokes":[[{"x":1e999}]]}`, status: 400, code: "request.invalid"},
		"strokes too deep":    {body: `{"version":"v1","strokes":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`, status: 400, code: "request.invalid"},
		"a time of one's own": {body: `{"version":"v1","method":"typed","name":"张三","signed_at":"2020-01-01T00:00:00Z"}`, status: 400, code: "request.invalid"},
	}))
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	has := func(t *testing.T, b *bench) {
		t.Helper()
		b.pledges.signature = func(string, string) (pledge.Receipt, error) { return newSignature(), nil }
		b.pledges.bySerial = func(serial string) (pledge.Receipt, *campaign.Campaign, error) {
			if serial != newSignature().Serial {
				return pledge.Receipt{}, nil, pledge.ErrNotSigned
			}
			return newSignature(), b.catalog.campaigns[0], nil
		}
	}
	none := func(_ *testing.T, b *bench) {
		b.pledges.signature = func(string, string) (pledge.Receipt, error) { return pledge.Receipt{}, pledge.ErrNotSigned }
	}
	run(t, map[string]scenario{
		"my own": {path: "/api/v1/campaigns/spring/signatures/me", as: "p:ann", set: has, status: 200, want: signedBody()},
		"none":   {path: "/api/v1/campaigns/spring/signatures/me", as: "p:ann", set: none, status: 404, code: "pledge.not_signed"},
		"whose?": {path: "/api/v1/campaigns/spring/signatures/me", status: 401, code: "auth.missing"},
		"by serial": {
			path: "/api/v1/signatures/SPR-0123456789ABCDEFGHJKMNPQRS", set: has, status: 200,
			want: `{"serial":"SPR-0123456789ABCDEFGHJKMNPQRS","campaign":"spring","title":"春季禁毒知识竞答","name":"张*",` +
				`"unit":"no1","unit_name":"榆次一中","signed_at":"2026-06-02T12:00:00.000+08:00","state":"valid"}`,
		},
		"a guess": {path: "/api/v1/signatures/SPR-1", set: has, status: 404, code: "pledge.not_signed"},
	})
}
