package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/operator"
	"qingyuan/internal/spool"
)

// filing is a listening server with a route that takes files and one that gives them.
type filing struct {
	*bench

	url string
}

const takesFiles, givesFiles, brokenFiles = officePath + "/test/:kind/files", officePath + "/test/file", officePath + "/test/broken"

func newFiling(t *testing.T) *filing {
	t.Helper()
	b := newOfficeBench(t, func(b *bench) { b.UploadLimit = 1 << 20 })
	b.add(
		upload(admin(post(takesFiles, staff, func(k *call) error {
			raw, err := k.file()
			if err != nil {
				return err
			}
			_, hurry := k.ctx.Deadline()
			if until, _ := k.ctx.Deadline(); hurry && time.Until(until) < time.Minute {
				return errors.New("a file has as little time as anything")
			}
			sum := sha256.New()
			n, err := io.Copy(sum, raw)
			if err != nil || n != raw.size {
				return fmt.Errorf("%d bytes of %d, %w", n, raw.size, err)
			}
			return k.send(fiber.StatusOK, struct {
				Bytes  int64  `json:"bytes"`
				SHA256 string `json:"sha256"`
			}{n, hex.EncodeToString(sum.Sum(nil))})
		}), operator.EditTree)),
		slow(admin(get(givesFiles, staff, func(k *call) error {
			return b.stream(k, "text/csv", "表.csv", func(_ context.Context, w *bufio.Writer) error {
				_, err := w.WriteString(strings.Repeat("一行\r\n", 50_000))
				return err
			})
		}), operator.ReadAudit)),
		slow(admin(get(brokenFiles, staff, func(k *call) error {
			return b.stream(k, "text/csv", "x.csv", func(_ context.Context, w *bufio.Writer) error {
				_, _ = w.WriteString(strings.Repeat("x", 100_000))
				return errors.New("the disk is full")
			})
		}), operator.ReadAudit)),
	)
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- b.app.Listener(ln) }()
	t.Cleanup(func() {
		if err := b.app.Shutdown(); err != nil {
			t.Error(err)
		}
		_ = ln.Close() // a server that has not begun yet takes no notice of a shutdown
		if err := <-ended; err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return &filing{b, "http://" + ln.Addr().String()}
}

// add serves more routes, as if the server had them.
func (b *bench) add(routes ...route) {
	for _, r := range routes {
		b.app.Add(r.method, r.path, b.edge(r))
		if r.uploads {
			b.state.uploads.paths = append(b.state.uploads.paths, pattern{r.method, strings.Split(r.path, "/")})
		}
	}
}

// send puts a body of so many bytes and returns the status and the answer. A server
// that refuses may close before all was sent: that is 0.
func (f *filing) send(t *testing.T, method, path, as string, size int) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, f.url+path, bytes.NewReader(make([]byte, size)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	if as != "" {
		req.Header.Set("Authorization", "Bearer "+as)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// TestLargeBodiesAreForOperatorsAndTheirFiles tries everything else too.
func TestLargeBodiesAreForOperatorsAndTheirFiles(t *testing.T) {
	t.Parallel()
	f := newFiling(t)
	may := f.operator(t, operator.Grant{Role: operator.CampaignOperator})
	mayNot := f.operator(t, operator.Grant{Role: operator.OfficeViewer})
	fresh := f.newcomer(t).token
	files := strings.ReplaceAll(takesFiles, ":kind", "tree")
	const small, large, huge = 60 << 10, 900 << 10, 1<<20 + 1
	for range 3 { // a kept connection forgets what it was granted
		for name, c := range map[string]struct {
			method, path, as string
			size, status     int
		}{
			"large":                   {"POST", files, may, large, 200},
			"large, with a query":     {"POST", files + "?name=a.xlsx", may, large, 200},
			"small":                   {"POST", files, may, small, 200},
			"too large":               {"POST", files, may, huge, 413},
			"nobody":                  {"POST", files, "", large, 413},
			"an unknown session":      {"POST", files, strings.Repeat("A", 43), large, 413},
			"a participant":           {"POST", files, ann, large, 413},
			"before the password":     {"POST", files, fresh, large, 413},
			"another route":           {"POST", officePath + "/operators", may, large, 413},
			"a route of participants": {"POST", "/api/v1/queue", may, large, 413},
			"another method":          {"PUT", files, may, large, 413},
			"no such route":           {"POST", files + "/more", may, large, 413},
			"without the right":       {"POST", files, mayNot, large, 403},
			"nobody, small":           {"POST", files, "", small, 401},
		} {
			if status, body := f.send(t, c.method, c.path, c.as, c.size); status != c.status && (status != 0 || c.status != 413) {
				t.Errorf("%s: %d %s, want %d", name, status, body, c.status)
			}
		}
	}
	for _, size := range []int{large, small, readAhead, readAhead + 1, f.BodyLimit, f.BodyLimit + 1, 1} {
		sum := sha256.Sum256(make([]byte, size))
		want := fmt.Sprintf(`{"bytes":%d,"sha256":"%x"}`, size, sum)
		if _, body := f.send(t, "POST", files, may, size); body != want {
			t.Errorf("%s, want %s", body, want)
		}
	}
}

// TestBodiesEndTheirConnections sends bodies that are not read to their end, and another
// request behind them on the same connection: it must not be taken for a request.
func TestBodiesEndTheirConnections(t *testing.T) {
	t.Parallel()
	f := newFiling(t)
	const inner = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, head := range map[string]string{
		"too large":          "POST /api/v1/queue HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" + strings.Repeat("x", readAhead),
		"in chunks":          "POST /api/v1/queue HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"in chunks, nowhere": "POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"in chunks, no verb": "BREW /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(f.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, head+inner); err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(conn) // a reset may follow the answer
		if n := strings.Count(string(got), "HTTP/1.1 "); n > 1 || strings.Contains(string(got), "HTTP/1.1 200") {
			t.Errorf("%s: %d answers: %s", name, n, got)
		}
		_ = conn.Close()
	}
}

// TestBodiesKeepTheirConnections sends bodies of all sizes that are taken, one after the
// other on the same connection.
func TestBodiesKeepTheirConnections(t *testing.T) {
	t.Parallel()
	f := newFiling(t)
	may := f.operator(t, operator.Grant{Role: operator.CampaignOperator})
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for _, size := range []int{0, 1, readAhead, readAhead + 1, f.BodyLimit, 900 << 10, 5} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.url+strings.ReplaceAll(takesFiles, ":kind", "x"), bytes.NewReader(make([]byte, size)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "text/csv")
		req.Header.Set("Authorization", "Bearer "+may)
		if err := req.Write(conn); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(r, req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || !strings.HasPrefix(string(body), fmt.Sprintf(`{"bytes":%d,`, size)) {
			t.Errorf("%d bytes: %d %s, %v", size, res.StatusCode, body, err)
		}
		_ = res.Body.Close()
	}
}

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Take(io.Reader, int64) (*spool.File, error) {
	return nil, &fs.PathError{Op: "write", Path: "uploads", Err: syscall.ENOSPC}
}

func TestFilesFindTheDiskFull(t *testing.T) {
	t.Parallel()
	f := newFiling(t)
	f.Spool = fullDisk{}
	may := f.operator(t, operator.Grant{Role: operator.CampaignOperator})
	path := strings.ReplaceAll(takesFiles, ":kind", "x")
	for range bodiesEach + 1 { // none keeps its place
		if status, body := f.send(t, "POST", path, may, 900<<10); status != 503 && status != 0 {
			t.Errorf("%d %s", status, body)
		}
	}
	if status, body := f.send(t, "POST", path, may, 10); status != 200 {
		t.Errorf("a small file: %d %s", status, body)
	}
}

// TestFewLargeBodiesAtOnce has operators send slowly.
func TestFewLargeBodiesAtOnce(t *testing.T) {
	t.Parallel()
	s := newOfficeBench(t).Server
	s.setup()
	u, now := s.state.uploads, noon()
	for _, who := range []string{"a", "a", "a", "b", "b", "b", "c"} {
		if !u.enter(who, now) {
			t.Fatalf("%s finds no place", who)
		}
	}
	if u.enter("a", now) {
		t.Error("somebody has a fourth place")
	}
	if !u.enter("d", now) || u.enter("e", now) {
		t.Error("there are not eight places")
	}
	u.leave("b")
	if !u.enter("e", now) || u.enter("f", now) {
		t.Error("a place that was given back is not free")
	}
	if later := now.Add(uploadPatience + time.Second); !u.enter("f", later) || !u.enter("a", later) {
		t.Error("whoever never came to an end keeps the place")
	}
}

func TestFormsAreNoFiles(t *testing.T) {
	t.Parallel()
	f := newFiling(t)
	may := f.operator(t, operator.Grant{Role: operator.CampaignOperator})
	for kind, status := range map[string]int{
		"text/csv": 200, "application/octet-stream": 200,
		"multipart/form-data; boundary=x": 415, "application/x-www-form-urlencoded": 415, "": 415,
	} {
		req := request("POST", strings.ReplaceAll(takesFiles, ":kind", "x"), may, "a,b")
		req.Header.Set("Content-Type", kind)
		res, err := f.app.Test(req, -1)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("%q: %d, want %d", kind, res.StatusCode, status)
		}
	}
}

func TestFilesAreSentAsTheyAreMade(t *testing.T) {
	t.Parallel()
	f := newFiling(t)
	auditor := f.operator(t, operator.Grant{Role: operator.Auditor})
	get := func(path string) (http.Header, []byte, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+auditor)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, nil, err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		return res.Header, body, err
	}
	head, body, err := get(givesFiles)
	if err != nil || string(body) != strings.Repeat("一行\r\n", 50_000) {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	if d := head.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment") || !strings.Contains(d, "%E8%A1%A8.csv") {
		t.Errorf("disposition %q", d)
	}
	if _, body, err = get(brokenFiles); err == nil {
		t.Errorf("%d bytes of a file that broke off pass for the whole", len(body))
	}
	if !strings.Contains(f.logs.String(), "the disk is full") {
		t.Error("nobody is told why")
	}
}
