package httpapi

import (
	"bytes"
	"html/template"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/fault"
)

// pageHomes is where the pages stand; what lies below is theirs as well.
var pageHomes = []string{"/c", "/screen", "/draws", "/console", "/check", "/docs"}

// withoutSlash is the address of a page that was written with a slash at its end, as many
// people and some programs write it. Only what begins as a page of ours leads on, so that
// no address can lead elsewhere.
func withoutSlash(c *fiber.Ctx) (string, bool) {
	path := c.Path()
	bare := strings.TrimRight(path, "/")
	if bare == path || !isReading(c) {
		return "", false
	}
	if !slices.ContainsFunc(pageHomes, func(home string) bool { return strings.HasPrefix(path, home+"/") }) {
		return "", false
	}
	if query := c.Context().URI().QueryString(); len(query) > 0 {
		bare += "?" + string(query)
	}
	return bare, true
}

// asksForPage tells whether somebody looks at an address with a browser. The API answers in
// JSON whoever asks.
func asksForPage(c *fiber.Ctx) bool {
	return isReading(c) && !strings.HasPrefix(c.Path(), "/api/") && accepts(c.Get(fiber.HeaderAccept), fiber.MIMETextHTML)
}

func isReading(c *fiber.Ctx) bool {
	return c.Method() == fiber.MethodGet || c.Method() == fiber.MethodHead
}

// sayOnPage tells a person what a program is told in JSON. It lies over an answer that has
// its status and headers already.
func (s *Server) sayOnPage(c *fiber.Ctx, p problem) {
	page := struct {
		problem
		Style   template.CSS
		Missing bool
	}{p, s.state.site.style, p.Code == fault.ErrNotFound.Code}
	var b bytes.Buffer
	if err := s.state.site.fault.Execute(&b, page); err != nil {
		panic(err) // strings only
	}
	s.sendPage(c, b.Bytes())
}
