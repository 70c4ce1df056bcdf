package wechatpay_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"qingyuan/internal/wechatpay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keys are those of the merchant and of WeChat Pay.
var keys = sync.OnceValue(func() (out [2]*rsa.PrivateKey) {
	for i := range out {
		var err error
		if out[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			panic(err)
		}
	}
	return out
})

var noon = time.Unix(1_782_489_600, 0)

// fake is a WeChat Pay that keeps transfers by their numbers and pays each once.
type fake struct {
	*testing.T
	client *wechatpay.Client

	mu    sync.Mutex
	bills map[string]map[string]any
	paid  int
	// bend changes an answer before it is sent; it may sign it as it likes.
	bend func(w http.ResponseWriter, status *int, body *[]byte) (signed bool)
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{T: t, bills: map[string]map[string]any{}}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	var err error
	f.client, err = wechatpay.New(wechatpay.Options{
		Merchant: "1900000001", Serial: "5157F09EFDC0", Key: keys()[0], PublicKeyID: "PUB_KEY_ID_1", PublicKey: &keys()[1].PublicKey,
		AppID: "wx-program", Scene: "1000", BaseURL: srv.URL, Now: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.client.Close)
	return f
}

var authorisation = regexp.MustCompile(`^WECHATPAY2-SHA256-RSA2048 mchid="(\w+)",nonce_str="(\w+)",signature="([^"]+)",timestamp="(\d+)",serial_no="(\w+)"$`)

// ServeHTTP answers whoever signs as the merchant.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	status, answer := f.answer(r, body)
	raw, err := json.Marshal(answer)
	if err != nil {
		f.Error(err)
	}
	if f.bend == nil || !f.bend(w, &status, &raw) {
		sign(w.Header(), raw, noon)
	}
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}

func sign(h http.Header, body []byte, at time.Time) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\nnonce\n%s\n", at.Unix(), body))
	sig, err := rsa.SignPKCS1v15(rand.Reader, keys()[1], crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	h.Set("Wechatpay-Serial", "PUB_KEY_ID_1")
	h.Set("Wechatpay-Timestamp", fmt.Sprint(at.Unix()))
	h.Set("Wechatpay-Nonce", "nonce")
	h.Set("Wechatpay-Signature", base64.StdEncoding.EncodeToString(sig))
}

func (f *fake) answer(r *http.Request, body []byte) (int, map[string]any) {
	m := authorisation.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil || m[1] != "1900000001" || m[5] != "5157F09EFDC0" {
		return 401, map[string]any{"code": "SIGN_ERROR"}
	}
	sig, _ := base64.StdEncoding.DecodeString(m[3])
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s\n%s\n", r.Method, r.URL.RequestURI(), m[4], m[2], body))
	if rsa.VerifyPKCS1v15(&keys()[0].PublicKey, crypto.SHA256, sum[:], sig) != nil {
		return 401, map[string]any{"code": "SIGN_ERROR"}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	const path = "/v3/fund-app/mch-transfer/transfer-bills"
	if number, ok := strings.CutPrefix(r.URL.Path, path+"/out-bill-no/"); ok && r.Method == http.MethodGet {
		if b, known := f.bills[number]; known {
			return 200, b
		}
		return 404, map[string]any{"code": "NOT_FOUND", "message": "记录不存在"}
	}
	var in struct {
		AppID  string `json:"appid"`
		Number string `json:"out_bill_no"`
		Scene  string `json:"transfer_scene_id"`
		OpenID string `json:"openid"`
		Fen    int64  `json:"transfer_amount"`
		Remark string `json:"transfer_remark"`
		Infos  []any  `json:"transfer_scene_report_infos"`
	}
	switch err := json.Unmarshal(body, &in); {
	case r.URL.Path != path || r.Method != http.MethodPost:
		return 404, map[string]any{"code": "RESOURCE_NOT_EXISTS"}
	case err != nil || in.AppID != "wx-program" || in.Scene != "1000" || in.OpenID == "" || in.Remark == "" || len(in.Infos) != 2:
		return 400, map[string]any{"code": "PARAM_ERROR", "message": "openid canary-openid 有误"}
	case in.Fen > 5000:
		return 403, map[string]any{"code": "NOT_ENOUGH", "message": "余额不足"}
	}
	b, known := f.bills[in.Number]
	if !known {
		b = map[string]any{"out_bill_no": in.Number, "transfer_bill_no": fmt.Sprint("1330000", len(f.bills)), "state": "WAIT_USER_CONFIRM", "package_info": "affffddafdfafddffda=="}
		f.bills[in.Number] = b
		f.paid++
	}
	return 200, b
}

func order(number string) wechatpay.Transfer {
	return wechatpay.Transfer{Number: number, OpenID: "canary-openid", Fen: 500, Activity: "禁毒答题", Reward: "5元红包"}
}

// TestTransfers: an order that is given again is the same transfer, and its ways are told.
func TestTransfers(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	if _, err := f.client.Look(t.Context(), "QY1"); !errors.Is(err, wechatpay.ErrNone) {
		t.Errorf("before it was ordered: %v", err)
	}
	for range 3 {
		b, err := f.client.Order(t.Context(), order("QY1"))
		if err != nil || b.State != wechatpay.Waiting || b.Package == "" || b.Ref != "13300000" {
			t.Errorf("ordered: %+v, %v", b, err)
		}
	}
	if f.paid != 1 {
		t.Errorf("one number is %d transfers", f.paid)
	}
	for said, want := range map[string]wechatpay.State{
		"ACCEPTED": wechatpay.Underway, "TRANSFERING": wechatpay.Underway, "SUCCESS": wechatpay.Done, "FAIL": wechatpay.Failed, "CANCELLED": wechatpay.Failed, //nolint:misspell // As they write it.
	} {
		f.bills["QY1"]["state"] = said
		if b, err := f.client.Look(t.Context(), "QY1"); err != nil || b.State != want {
			t.Errorf("%s: %+v, %v", said, b, err)
		}
	}
	f.bills["QY1"]["state"] = "SOMETHING_NEW"
	if b, err := f.client.Look(t.Context(), "QY1"); err == nil {
		t.Errorf("a state that is not known: %+v", b)
	}
}

// TestAnswersThatAreNone: what WeChat Pay has not signed, or what broke off, leaves the
// outcome open; what it refuses is told apart; no error tells who was to be paid.
func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	unsigned := func(http.ResponseWriter, *int, *[]byte) bool { return true }
	for name, c := range map[string]struct {
		order wechatpay.Transfer
		bend  func(http.ResponseWriter, *int, *[]byte) bool
		want  error // nil leaves it open
	}{
		"unsigned": {order("A1"), unsigned, nil},
		"signed long ago": {order("A1"), func(w http.ResponseWriter, _ *int, body *[]byte) bool {
			sign(w.Header(), *body, noon.Add(-time.Hour))
			return true
		}, nil},
		"altered": {order("A1"), func(w http.ResponseWriter, _ *int, body *[]byte) bool {
			sign(w.Header(), *body, noon)
			*body = []byte(strings.Replace(string(*body), "WAIT_USER_CONFIRM", "SUCCESS", 1))
			return true
		}, nil},
		"hung up":          {order("A1"), func(http.ResponseWriter, *int, *[]byte) bool { panic(http.ErrAbortHandler) }, nil},
		"busy":             {order("A1"), func(_ http.ResponseWriter, status *int, _ *[]byte) bool { *status = 500; return false }, nil},
		"too often":        {order("A1"), func(_ http.ResponseWriter, status *int, _ *[]byte) bool { *status = 429; return false }, nil},
		"refused unsigned": {wechatpay.Transfer{Number: "A1", OpenID: "canary-openid", Fen: 6000, Reward: "x"}, unsigned, nil},
		"not enough":       {wechatpay.Transfer{Number: "A1", OpenID: "canary-openid", Fen: 6000, Reward: "x"}, nil, wechatpay.ErrRefused},
		"without a remark": {wechatpay.Transfer{Number: "A1", OpenID: "canary-openid", Fen: 500}, nil, wechatpay.ErrRefused},
		"too much":         {wechatpay.Transfer{Number: "A1", OpenID: "canary-openid", Fen: wechatpay.MostFen + 1, Reward: "x"}, nil, wechatpay.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.bend = c.bend
			_, err := f.client.Order(t.Context(), c.order)
			if err == nil || errors.Is(err, wechatpay.ErrRefused) != (c.want != nil) || errors.Is(err, wechatpay.ErrNone) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if err != nil && strings.Contains(fmt.Sprintf("%v %+v", err, err), "canary") {
				t.Errorf("the error tells who: %v", err)
			}
		})
	}
	if _, err := wechatpay.New(wechatpay.Options{}); err == nil || !strings.Contains(err.Error(), "merchant") {
		t.Errorf("without anything: %v", err)
	}
}
