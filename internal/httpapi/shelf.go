package httpapi

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"regexp"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// The pages that the build of web/ makes, and where it puts what they load.
const (
	participantPage = "index.html"
	screenPage      = "screen.html"
	drawsPage       = "draws.html"
	consolePage     = "console.html"
	assetFolder     = "assets"
)

// policyPages lets the pages load what lies beside them and speak to this server,
// and nothing else: no script or style within the page, nothing from elsewhere.
// Certificates and drawings are pictures that the page makes itself.
const policyPages = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
	"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// cacheAsset is for files whose name changes with their content, cachePage for
// those that name them: a new version is seen at the next look.
const (
	cacheAsset = "public, max-age=31536000, immutable"
	cachePage  = "no-cache"
)

// shelf has the files of the pages ready to be sent. It never changes.
type shelf struct {
	pages  map[string]*file // by the names above
	assets map[string]*file // by base name
}

// file is one file with its compressed forms; nil where there is none.
type file struct {
	kind, etag     string
	plain, gz, brf []byte
}

// Why there are no pages to serve. What was built by another version is not served in
// part: its pages name files and calls that are not there.
var (
	errNotBuilt = errors.New("the pages are not built")
	errOtherWeb = errors.New("what lies in web/dist was built by another version, or not to its end")
)

// newShelf reads what the build left: errNotBuilt where it left nothing, errOtherWeb where
// that is not what this program serves.
func newShelf(built fs.FS) (*shelf, error) {
	if built == nil {
		return nil, errNotBuilt
	}
	if _, err := fs.Stat(built, participantPage); errors.Is(err, fs.ErrNotExist) {
		return nil, errNotBuilt
	}
	s, err := readShelf(built)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errOtherWeb, err)
	}
	return s, nil
}

func readShelf(built fs.FS) (*shelf, error) {
	s := &shelf{pages: map[string]*file{}, assets: map[string]*file{}}
	for _, name := range []string{participantPage, screenPage, drawsPage, consolePage} {
		f, err := readFile(built, name)
		if err != nil {
			return nil, err
		}
		s.pages[name] = f
	}
	list, err := fs.ReadDir(built, assetFolder)
	if err != nil {
		return nil, fmt.Errorf("list the files of the pages: %w", err)
	}
	for _, e := range list {
		if ext := path.Ext(e.Name()); e.IsDir() || ext == ".br" || ext == ".gz" {
			continue
		}
		if s.assets[e.Name()], err = readFile(built, assetFolder+"/"+e.Name()); err != nil {
			return nil, err
		}
	}
	return s, s.check()
}

// named finds the files that a page loads at once.
var named = regexp.MustCompile(`"/` + assetFolder + `/([^"/]+)"`)

// check makes sure that the pages fit together with what lies beside them, and with what
// this program lays into them.
func (s *shelf) check() error {
	if !bytes.Contains(s.pages[participantPage].plain, []byte(entryMark)) {
		return fmt.Errorf("%s has no place for the campaign", participantPage)
	}
	for page, f := range s.pages {
		for _, m := range named.FindAllSubmatch(f.plain, -1) {
			if s.assets[string(m[1])] == nil {
				return fmt.Errorf("%s loads %s, which is not there", page, m[1])
			}
		}
	}
	return nil
}

func readFile(built fs.FS, name string) (*file, error) {
	plain, err := fs.ReadFile(built, name)
	if err != nil {
		return nil, fmt.Errorf("read a file of the pages: %w", err)
	}
	f := &file{kind: kindOf(name), etag: tagOf(plain, ""), plain: plain}
	for suffix, into := range map[string]*[]byte{".gz": &f.gz, ".br": &f.brf} {
		packed, err := fs.ReadFile(built, name+suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read a file of the pages: %w", err)
		}
		*into = packed
	}
	return f, nil
}

// kindOf does not ask the machine's list of types, which differs from one to the
// next.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return htmlType
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return fiber.MIMEOctetStream
}

// packed returns a file that is made while the server runs.
func packed(kind string, plain []byte) (*file, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("compress a page: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress a page: %w", err)
	}
	return &file{kind: kind, etag: tagOf(plain, ""), plain: plain, gz: b.Bytes()}, nil
}

// sendFile answers with the form of a file that the caller can read, or with 304 to
// whoever has it.
func (k *call) sendFile(f *file, cache string) error {
	h := &k.Response().Header
	h.Set(fiber.HeaderContentSecurityPolicy, policyPages)
	h.Set(fiber.HeaderCacheControl, cache)
	h.Set(fiber.HeaderETag, f.etag)
	h.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	if matches(k.Get(fiber.HeaderIfNoneMatch), f.etag) {
		k.Status(fiber.StatusNotModified)
		return nil
	}
	h.SetContentType(f.kind)
	body, accepted := f.plain, k.Get(fiber.HeaderAcceptEncoding)
	switch {
	case f.brf != nil && accepts(accepted, "br"):
		h.Set(fiber.HeaderContentEncoding, "br")
		body = f.brf
	case f.gz != nil && accepts(accepted, "gzip"):
		h.Set(fiber.HeaderContentEncoding, "gzip")
		body = f.gz
	}
	k.Response().SetBodyRaw(body)
	return nil
}

// accepts reads an Accept-Encoding header: a coding that is named counts unless its
// weight is zero. A wildcard is passed over, plain is always understood.
func accepts(header, coding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		q, weighted := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		return !weighted || strings.Trim(q, "0.") != ""
	}
	return false
}
