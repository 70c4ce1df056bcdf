package httpapi

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/certificate"
	"qingyuan/pledge"
	"qingyuan/proof"
)

// Signers tells what participants wrote when they signed.
type Signers interface {
	// Signer returns the name and the strokes of a participant's own signature, which
	// there is. Where they were erased it is certificate.ErrErased; while the ledger
	// has not got them yet, fault.ErrUnavailable.
	Signer(ctx context.Context, campaignID, participant string) (Signer, error)
}

// Signer is who signed, as they wrote themself.
type Signer struct {
	Name    string
	Strokes pledge.Strokes
}

// cacheOwn lets a browser keep what is one person's, and ask each time whether it is
// still so.
const cacheOwn = "private, no-cache"

const pngType = "image/png"

// showOwnCertificate handles GET /api/v1/campaigns/{campaign}/signatures/me/certificate.
// Who has the picture already is told so before anything is drawn.
func (s *Server) showOwnCertificate(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	r, err := s.Pledges.Signature(k.ctx, c.ID, k.participant)
	if err != nil {
		return err
	}
	if r.State == pledge.Invalidated || r.State == pledge.Withdrawn {
		return certificate.ErrVoid
	}
	signer, err := s.Signers.Signer(k.ctx, c.ID, k.participant)
	if err != nil {
		return err
	}
	sheet, err := s.sheetOf(k, c, r, signer)
	if err != nil {
		return err
	}
	h := &k.Response().Header
	etag := `"` + sheet.Digest() + `"`
	h.Set(fiber.HeaderETag, etag)
	h.Set(fiber.HeaderCacheControl, cacheOwn)
	if matches(k.Get(fiber.HeaderIfNoneMatch), etag) {
		k.Status(fiber.StatusNotModified)
		return nil
	}
	png, err := s.state.press.Print(k.ctx, sheet)
	if err != nil {
		return err
	}
	h.SetContentType(pngType)
	k.Response().SetBodyRaw(png)
	return nil
}

// sheetOf says what stands on a certificate. It is in Chinese, whatever language was
// asked for: the font has no other.
func (s *Server) sheetOf(k *call, c *campaign.Campaign, r pledge.Receipt, signer Signer) (*certificate.Sheet, error) {
	o, err := s.Catalog.Pledge(c.ID)
	if err != nil {
		return nil, err
	}
	title := o.Current().Title
	for _, v := range o.Versions {
		if v.Version == r.Version {
			title = v.Title
		}
	}
	const lang = campaign.DefaultLanguage
	return &certificate.Sheet{
		Campaign: c.Title.In(lang), Pledge: title.In(lang), Version: r.Version, Name: signer.Name,
		Unit: placeName(c, r.Unit, lang), Date: r.SignedAt.In(c.Zone).Format("2006年1月2日"), Serial: r.Serial,
		Check: s.publicBase(k) + "/check/" + url.PathEscape(r.Serial), Strokes: signer.Strokes, Number: s.numberOf(k, c),
	}, nil
}

// numberOf is the number of the asker's certificate: the index of its leaf. Before it is
// sealed, about a minute, there is none.
func (s *Server) numberOf(k *call, c *campaign.Campaign) string {
	place := s.placeOf(k, c, k.participant, proof.SignatureAct)
	if place == nil {
		return ""
	}
	return certificateNumber(place.Index)
}

// certificateNumber is the index of a leaf as people read it, always as long: a bare 0,
// which the first certificate has, is taken for a fault.
func certificateNumber(index int64) string { return fmt.Sprintf("%09d", index) }

// placeName is a unit with the regions that it lies in, "" for nobody's.
func placeName(c *campaign.Campaign, unit, lang string) string {
	if _, ok := c.Tree.Node(unit); !ok {
		return ""
	}
	return strings.Join(append(c.Tree.Path(unit, lang), unitName(c, unit, lang)), " ")
}

// publicBase is where people find this deployment: what is configured, else what this
// request was sent to. Whoever writes a wrong Host leads only themself astray: what is
// made of it is shown to nobody else.
func (s *Server) publicBase(k *call) string {
	if s.PublicURL != "" {
		return s.PublicURL
	}
	scheme := "http"
	if s.overTLS(k.Ctx) {
		scheme = "https"
	}
	u := url.URL{Scheme: scheme, Host: string(k.Request().Host())}
	return u.String()
}
