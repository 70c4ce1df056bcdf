package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/gofiber/fiber/v2"
)

// How long what everybody reads may be kept by caches on the way. A snapshot is
// a second old anyway.
const (
	cacheCounts = "public, max-age=2, stale-while-revalidate=10"
	cacheBoard  = "public, max-age=1, stale-while-revalidate=10"
	cacheDetail = "public, max-age=1, stale-while-revalidate=60"
	cacheStatic = "public, max-age=300"
)

// Names of headers as they are written: those who set them need not look how.
var (
	headerETag          = []byte("Etag")
	headerVary          = []byte(fiber.HeaderVary)
	headerAuthorization = []byte(fiber.HeaderAuthorization)
)

// encoded is an answer as it travels, with the name of its content. It never
// changes: many requests send the same bytes.
type encoded struct {
	body []byte
	etag string
}

// encode writes v and names its content. The top-level text field volatile,
// which tells when the answer was made, is left out of the name: the tag is a
// weak one, and figures that stand still need not be sent again.
func encode(v any, volatile string) (*encoded, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return &encoded{body, tagOf(body, volatile)}, nil
}

func tagOf(body []byte, volatile string) string {
	// A quotation mark inside a text is escaped, so this finds the field only.
	mark := []byte(`"` + volatile + `":"`)
	before, after, found := bytes.Cut(body, mark)
	if found {
		_, after, _ = bytes.Cut(after, []byte{'"'})
	}
	h := sha256.New()
	h.Write(before)
	h.Write([]byte{0})
	h.Write(after)
	return `W/"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12]) + `"`
}

// sendEncoded answers with ready bytes, or with 304 to whoever has them.
func (k *call) sendEncoded(e *encoded, cache string) error {
	h := &k.Response().Header
	h.SetCanonical(headerETag, []byte(e.etag)) // so short that it stays on the stack
	h.Set(fiber.HeaderCacheControl, cache)
	if known := k.Request().Header.Peek(fiber.HeaderIfNoneMatch); len(known) > 0 && matches(string(known), e.etag) {
		k.Status(fiber.StatusNotModified)
		return nil
	}
	h.SetContentType(jsonType)
	k.Response().SetBodyRaw(e.body)
	return nil
}

// matches compares weakly, as RFC 9110 wants it for If-None-Match.
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}
