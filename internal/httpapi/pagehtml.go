package httpapi

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"time"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
)

//go:embed pages
var pageFiles embed.FS

// site is the plain pages of this package: the documentation, the check of a
// certificate, what a browser is told where there is no page, and what stands for the
// built pages where there are none. They load nothing: the style is within, and the policy
// allows exactly that style.
type site struct {
	style  template.CSS
	policy string
	home   *template.Template
	check  *template.Template
	fault  *template.Template
	docs   []byte
	// docsPolicy allows the one script of the documentation, which searches in it.
	docsPolicy string
}

// mustSite prepares the pages. A fault in them is a build mistake.
func mustSite(doc *document) *site {
	css, err := pageFiles.ReadFile("pages/style.css")
	if err != nil {
		panic(err)
	}
	script, err := pageFiles.ReadFile("pages/docs.js")
	if err != nil {
		panic(err)
	}
	const rest = "; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	style := "default-src 'none'; style-src " + sourceOf(css)
	s := &site{
		style:  template.CSS(css), //nolint:gosec // Our own file.
		policy: style + rest, docsPolicy: style + "; script-src " + sourceOf(script) + rest,
		home:  template.Must(template.ParseFS(pageFiles, "pages/home.html")),
		check: template.Must(template.ParseFS(pageFiles, "pages/check.html")),
		fault: template.Must(template.ParseFS(pageFiles, "pages/fault.html")),
	}
	docs := template.Must(template.ParseFS(pageFiles, "pages/docs.html"))
	var b bytes.Buffer
	if err := docs.Execute(&b, struct {
		*document
		Style  template.CSS
		Script template.JS
		Codes  []codeRow
	}{doc, s.style, template.JS(script), errorCodes()}); err != nil { //nolint:gosec // Our own file.
		panic(fmt.Errorf("docs page: %w", err))
	}
	s.docs = b.Bytes()
	return s
}

// sourceOf names a style or a script in a policy, by its content.
func sourceOf(text []byte) string {
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// sendPage answers with a page.
func (s *Server) sendPage(c *fiber.Ctx, body []byte) {
	h := &c.Response().Header
	h.Set(fiber.HeaderContentSecurityPolicy, s.state.site.policy)
	h.SetContentType(htmlType)
	c.Response().SetBodyRaw(body)
}

// showDocs handles GET /docs.
func (s *Server) showDocs(k *call) error {
	s.sendPage(k.Ctx, s.state.site.docs)
	k.Response().Header.Set(fiber.HeaderContentSecurityPolicy, s.state.site.docsPolicy)
	return nil
}

// homeCampaign is one campaign on the plain page.
type homeCampaign struct{ ID, Title, State string }

// showPlain stands for every page that was not built: it says so, and where the API is.
func (s *Server) showPlain(k *call) error {
	page := struct {
		Style     template.CSS
		Campaigns []homeCampaign
	}{Style: s.state.site.style}
	now, lang := s.Now(), k.lang()
	for _, c := range s.Catalog.Campaigns() {
		page.Campaigns = append(page.Campaigns, homeCampaign{c.ID, c.Title.In(lang), stateText(c, now)})
	}
	var b bytes.Buffer
	if err := s.state.site.home.Execute(&b, page); err != nil {
		return err
	}
	s.sendPage(k.Ctx, b.Bytes())
	return nil
}

func stateText(c *campaign.Campaign, now time.Time) string {
	switch c.StateAt(now) {
	case campaign.Scheduled:
		return "尚未开始"
	case campaign.Open:
		return "进行中"
	case campaign.Paused:
		return "已暂停"
	case campaign.Closed:
	}
	return "已结束"
}
