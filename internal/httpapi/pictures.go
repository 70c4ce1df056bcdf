package httpapi

import (
	"context"
	"io"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/operator"
	"qingyuan/internal/pictures"
)

// Pictures keeps the pictures of questions. *pictures.Service is one.
type Pictures interface {
	Add(ctx context.Context, by operator.Actor, r io.Reader, reason string) (*pictures.Picture, error)
	Picture(ctx context.Context, name string) (*pictures.Picture, error)
}

// pictureRoute is where everybody loads pictures: like the files of the pages, and nearly
// always from memory.
func (s *Server) pictureRoute() route { return get(pictures.Root+":name", files, s.showPicture) }

// showPicture handles GET /media/{name}. The name tells the content, so what has it once
// need not ask again.
func (s *Server) showPicture(k *call) error {
	if s.Pictures == nil {
		return pictures.ErrNotFound
	}
	p, err := s.Pictures.Picture(k.ctx, k.Params("name"))
	if err != nil {
		return err
	}
	h, etag := &k.Response().Header, `"`+p.Name+`"`
	h.Set(fiber.HeaderCacheControl, cacheAsset)
	h.Set(fiber.HeaderETag, etag)
	if matches(k.Get(fiber.HeaderIfNoneMatch), etag) {
		k.Status(fiber.StatusNotModified)
		return nil
	}
	h.SetContentType(p.Kind)
	k.Response().SetBodyRaw(p.Body)
	return nil
}

// addPicture handles POST /api/v1/admin/pictures. The body is the file itself.
func (s *Server) addPicture(k *call) error {
	reason := k.Query("reason")
	if err := checkReason(reason, false); err != nil {
		return err
	}
	raw, err := k.file()
	if err != nil {
		return err
	}
	p, err := s.Pictures.Add(k.ctx, k.actor, raw, reason)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, struct {
		URL    string `json:"url"`
		Width  int    `json:"width"`
		Height int    `json:"height"`
		Bytes  int    `json:"bytes"`
	}{p.URL(), p.Width, p.Height, len(p.Body)})
}
