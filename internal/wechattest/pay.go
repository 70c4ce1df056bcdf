package wechattest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What a merchant is called at the Pay of tests.
const (
	Merchant    = "1900000001"
	Serial      = "5157F09EFDC0"
	PublicKeyID = "PUB_KEY_ID_1"
	PayApp      = "wx-program"
	Scene       = "1000"
)

// dear is from how many fen on an account has not enough.
const dear = 5000

// payKeys are those of the merchant and of WeChat Pay.
var payKeys = sync.OnceValue(func() (out [2]*rsa.PrivateKey) {
	for i := range out {
		var err error
		if out[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			panic(err)
		}
	}
	return out
})

// Bill is a transfer, as WeChat Pay writes it.
type Bill map[string]any

// Pay is a WeChat Pay that checks every signature, keeps transfers by their numbers and
// pays each once.
type Pay struct {
	web *httptest.Server
	now func() time.Time

	mu    sync.Mutex
	bills map[string]Bill
	asked int
	// Bend changes an answer before it is sent; it may sign it as it likes. Set it before
	// the first call.
	Bend func(w http.ResponseWriter, status *int, body *[]byte) (signed bool)
}

// StartPay runs a WeChat Pay until tb ends.
func StartPay(tb testing.TB, now func() time.Time) *Pay {
	tb.Helper()
	p := &Pay{now: now, bills: map[string]Bill{}}
	p.web = httptest.NewServer(p)
	tb.Cleanup(p.web.Close)
	return p
}

// URL is the base address to give to a client.
func (p *Pay) URL() string { return p.web.URL }

// Keys are the merchant's key and the one that answers are checked with.
func (*Pay) Keys() (merchant *rsa.PrivateKey, public *rsa.PublicKey) {
	keys := payKeys()
	return keys[0], &keys[1].PublicKey
}

// Files writes both keys as they are handed out, and returns where.
func (p *Pay) Files(tb testing.TB) (merchant, public string) {
	tb.Helper()
	key, pub := p.Keys()
	file := func(name, kind string, der []byte, err error) string {
		if err != nil {
			tb.Fatal(err)
		}
		path := filepath.Join(tb.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			tb.Fatal(err)
		}
		return path
	}
	private, errPrivate := x509.MarshalPKCS8PrivateKey(key)
	shared, errShared := x509.MarshalPKIXPublicKey(pub)
	return file("apiclient_key.pem", "PRIVATE KEY", private, errPrivate), file("pub_key.pem", "PUBLIC KEY", shared, errShared)
}

// Bills are the transfers by their numbers, and how often any was ordered or looked at.
func (p *Pay) Bills() (bills map[string]Bill, asked int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.bills), p.asked
}

// Say brings every transfer into a state, such as SUCCESS.
func (p *Pay) Say(state string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for number, b := range p.bills {
		b = maps.Clone(b)
		b["state"] = state
		p.bills[number] = b
	}
}

var authorisation = regexp.MustCompile(`^WECHATPAY2-SHA256-RSA2048 mchid="(\w+)",nonce_str="(\w+)",signature="([^"]+)",timestamp="(\d+)",serial_no="(\w+)"$`)

// ServeHTTP answers whoever signs as the merchant.
func (p *Pay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what is missing is not signed
	status, answer := p.answer(r, body)
	raw, err := json.Marshal(answer)
	if err != nil {
		panic(err) // strings and numbers
	}
	if p.Bend == nil || !p.Bend(w, &status, &raw) {
		SignPay(w.Header(), raw, p.now())
	}
	w.WriteHeader(status)
	_, _ = w.Write(raw) // the client may have left
}

// SignPay signs an answer as WeChat Pay does.
func SignPay(h http.Header, body []byte, at time.Time) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\nnonce\n%s\n", at.Unix(), body))
	sig, err := rsa.SignPKCS1v15(rand.Reader, payKeys()[1], crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	h.Set("Wechatpay-Serial", PublicKeyID)
	h.Set("Wechatpay-Timestamp", strconv.FormatInt(at.Unix(), 10))
	h.Set("Wechatpay-Nonce", "nonce")
	h.Set("Wechatpay-Signature", base64.StdEncoding.EncodeToString(sig))
}

// signed tells whether the merchant sends this.
func signed(r *http.Request, body []byte) bool {
	m := authorisation.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil || m[1] != Merchant || m[5] != Serial {
		return false
	}
	sig, err := base64.StdEncoding.DecodeString(m[3])
	if err != nil {
		return false
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s\n%s\n", r.Method, r.URL.RequestURI(), m[4], m[2], body))
	return rsa.VerifyPKCS1v15(&payKeys()[0].PublicKey, crypto.SHA256, sum[:], sig) == nil
}

func (p *Pay) answer(r *http.Request, body []byte) (int, Bill) {
	if !signed(r, body) {
		return http.StatusUnauthorized, Bill{"code": "SIGN_ERROR"}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	const path = "/v3/fund-app/mch-transfer/transfer-bills"
	if number, ok := strings.CutPrefix(r.URL.Path, path+"/out-bill-no/"); ok && r.Method == http.MethodGet {
		if b, known := p.bills[number]; known {
			return http.StatusOK, b
		}
		return http.StatusNotFound, Bill{"code": "NOT_FOUND", "message": "记录不存在"}
	}
	if r.URL.Path != path || r.Method != http.MethodPost {
		return http.StatusNotFound, Bill{"code": "RESOURCE_NOT_EXISTS"}
	}
	return p.order(body)
}

// order takes a transfer, or tells how the one of its number stands.
func (p *Pay) order(body []byte) (int, Bill) {
	var in struct {
		AppID  string `json:"appid"`
		Number string `json:"out_bill_no"`
		Scene  string `json:"transfer_scene_id"`
		OpenID string `json:"openid"`
		Fen    int64  `json:"transfer_amount"`
		Remark string `json:"transfer_remark"`
		Infos  []any  `json:"transfer_scene_report_infos"`
	}
	const infos = 2
	switch err := json.Unmarshal(body, &in); {
	case err != nil || in.AppID != PayApp || in.Scene != Scene || in.OpenID == "" || in.Remark == "" || len(in.Infos) != infos:
		return http.StatusBadRequest, Bill{"code": "PARAM_ERROR", "message": "openid canary-openid 有误"}
	case in.Fen > dear:
		return http.StatusForbidden, Bill{"code": "NOT_ENOUGH", "message": "余额不足"}
	}
	b, known := p.bills[in.Number]
	if !known {
		b = Bill{
			"out_bill_no": in.Number, "transfer_bill_no": fmt.Sprint("1330000", len(p.bills)), "state": "WAIT_USER_CONFIRM", "package_info": "affffddafdfafddffda==",
			"openid": in.OpenID, "transfer_amount": in.Fen,
		}
		p.bills[in.Number] = b
	}
	return http.StatusOK, b
}
