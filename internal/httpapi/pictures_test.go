package httpapi

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// dot is a small picture, as it is sent.
func dot(t *testing.T) string {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 3, 2))
	m.SetGray(1, 1, color.Gray{Y: 200})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

type keptPicture struct {
	URL    string `json:"url"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Bytes  int    `json:"bytes"`
}

// TestPictures brings a picture as an editor and loads it as anybody.
func TestPictures(t *testing.T) {
	t.Parallel()
	b, editor, reviewer := officeOfBanks(t)
	send := func(as, kind, body string) answer {
		t.Helper()
		r := request(http.MethodPost, officePath+"/pictures", as, body)
		r.Header.Set("Content-Type", kind)
		return b.do(t, r)
	}
	kept := decoded[keptPicture](t, send(editor, "image/png", dot(t)))
	if kept.Width != 3 || kept.Height != 2 || !regexp.MustCompile(`^/media/[0-9a-f]{64}\.png$`).MatchString(kept.URL) {
		t.Fatalf("kept %+v", kept)
	}
	if again := decoded[keptPicture](t, send(editor, "application/octet-stream", dot(t))); again != kept {
		t.Errorf("again it is %+v, not %+v", again, kept)
	}
	for name, bad := range map[string]struct {
		as, kind, body string
		status         int
		code           string
	}{
		"no picture":        {editor, "image/png", "<svg xmlns='http://www.w3.org/2000/svg'/>", 400, "picture.invalid"},
		"too many bytes":    {editor, "image/png", dot(t) + strings.Repeat("x", 1<<20), 400, "picture.too_large"},
		"a form":            {editor, "multipart/form-data; boundary=x", "--x--", 415, "request.unsupported"},
		"who cannot edit":   {reviewer, "image/png", dot(t), 403, "operator.forbidden"},
		"nobody":            {"", "image/png", dot(t), 401, "operator.sign_in"},
		"half of a picture": {editor, "image/png", dot(t)[:40], 400, "picture.invalid"},
	} {
		if a := send(bad.as, bad.kind, bad.body); a.status != bad.status || !strings.Contains(a.body, bad.code) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}

	a := b.get(t, kept.URL, "")
	shown, err := png.Decode(strings.NewReader(a.body))
	if err != nil || shown.Bounds().Dx() != 3 || len(a.body) != kept.Bytes {
		t.Fatalf("%d, %d bytes: %v", a.status, len(a.body), err)
	}
	for name, want := range map[string]string{
		"Content-Type": "image/png", "Cache-Control": cacheAsset, "X-Content-Type-Options": "nosniff", "Content-Security-Policy": policyJSON,
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	r := request(http.MethodGet, kept.URL, "", "")
	r.Header.Set("If-None-Match", a.header.Get("Etag"))
	if a := b.do(t, r); a.status != http.StatusNotModified || a.body != "" {
		t.Errorf("who has it gets %d and %d bytes", a.status, len(a.body))
	}
	for _, path := range []string{"/media/none.png", "/media/", kept.URL + "x", strings.TrimSuffix(kept.URL, ".png"), "/media/..%2fopenapi.json"} {
		if a := b.get(t, path, ""); a.status != http.StatusNotFound && a.status != http.StatusBadRequest || a.header.Get("Cache-Control") != noStore {
			t.Errorf("%s: %d, %s", path, a.status, a.header.Get("Cache-Control"))
		}
	}
}
