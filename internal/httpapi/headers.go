package httpapi

import (
	"strings"

	"github.com/gofiber/fiber/v2"
)

const (
	jsonType = "application/json; charset=utf-8"
	htmlType = "text/html; charset=utf-8"
	noStore  = "no-store"

	// policyJSON lets nothing be loaded by, or framed around, an answer that a
	// browser is tricked into showing.
	policyJSON = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	hsts       = "max-age=31536000"
)

// header is one line, ready as bytes: it is set on every answer.
type header struct{ key, value []byte }

type headers []header

func newHeaders() headers {
	var h headers
	for _, kv := range [][2]string{
		{fiber.HeaderXContentTypeOptions, "nosniff"},
		{fiber.HeaderXFrameOptions, "DENY"},
		{fiber.HeaderReferrerPolicy, "no-referrer"},
		{fiber.HeaderContentSecurityPolicy, policyJSON},
		{fiber.HeaderCacheControl, noStore},
	} {
		h = append(h, header{[]byte(kv[0]), []byte(kv[1])})
	}
	return h
}

// guardHeaders sets what every answer carries. Handlers loosen the caching of
// what is public.
func (s *Server) guardHeaders(c *fiber.Ctx) {
	for _, h := range s.state.headers {
		c.Response().Header.SetCanonical(h.key, h.value)
	}
	if s.overTLS(c) {
		c.Set(fiber.HeaderStrictTransportSecurity, hsts)
	}
}

// text writes the lines as they travel, for a connection that is answered by
// hand.
func (h headers) text() string {
	var b strings.Builder
	for _, l := range h {
		b.Write(l.key)
		b.WriteString(": ")
		b.Write(l.value)
		b.WriteString("\r\n")
	}
	return b.String()
}
