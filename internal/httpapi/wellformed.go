package httpapi

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"qingyuan/internal/fault"
)

// wellFormed refuses requests that two readers could understand differently,
// and compressed ones: a limit on the body does not bound what it unpacks to.
func wellFormed(c *fiber.Ctx) error {
	h := &c.Request().Header
	if e := h.Peek(fiber.HeaderContentEncoding); len(e) > 0 && !bytes.EqualFold(e, []byte("identity")) {
		return errUnsupported
	}
	if err := plainLength(c); err != nil {
		return err
	}
	if query := c.Context().URI().QueryString(); len(query) > 0 {
		if err := plainQuery(c.Context().QueryArgs()); err != nil {
			return err
		}
		return uniqueKeys(string(query))
	}
	return nil
}

// plainQuery refuses what is no text: a database would call it a fault of ours, and no
// answer could repeat it.
func plainQuery(query *fasthttp.Args) error {
	for key, value := range query.All() {
		if !plainText(key) {
			return fault.ErrInvalid.Because(errors.New("key of the query is no text"))
		}
		if !plainText(value) {
			return fault.InvalidField(clip(string(key)), "含有无法识别的字符")
		}
	}
	return nil
}

func plainText(b []byte) bool { return utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 }

// plainLength refuses a body whose end is told by anything but one
// Content-Length: a proxy in front may have read chunks, or their extensions,
// otherwise. fasthttp drops some of these headers, so the lines are read as they
// came; it refuses a length given twice by itself.
func plainLength(c *fiber.Ctx) error {
	for raw := c.Request().Header.RawHeaders(); len(raw) > 0; {
		line, rest, _ := bytes.Cut(raw, []byte{'\n'})
		raw = rest
		key, _, found := bytes.Cut(line, []byte{':'})
		if !found {
			continue
		}
		bare := bytes.TrimRight(key, " \t")
		if len(bare) < len(key) || len(bare) == len(transferEncoding) && bytes.EqualFold(bare, transferEncoding) {
			c.Context().SetConnectionClose()
			return fault.ErrInvalid.Because(errors.New("ambiguous header"))
		}
	}
	return nil
}

var transferEncoding = []byte(fiber.HeaderTransferEncoding)

// uniqueKeys refuses a query that names a key twice, or in two spellings that
// some readers take for one.
func uniqueKeys(query string) error {
	if !strings.ContainsRune(query, '&') { // nearly always
		key, _, _ := strings.Cut(query, "=")
		if _, err := unescape(key); err != nil {
			return fault.ErrInvalid.Because(err)
		}
		return nil
	}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(query, "&") {
		key, _, _ := strings.Cut(pair, "=")
		key, err := unescape(key)
		if err != nil {
			return fault.ErrInvalid.Because(err)
		}
		key = strings.ToLower(key)
		if key != "" && seen[key] {
			return fault.InvalidField(clip(key), "参数重复")
		}
		seen[key] = true
	}
	return nil
}
