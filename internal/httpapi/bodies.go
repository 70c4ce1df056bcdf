package httpapi

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"mime"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"qingyuan/internal/fault"
	"qingyuan/internal/spool"
)

// Spool keeps large files until they were worked on. *spool.Dir is one.
type Spool interface {
	Take(r io.Reader, size int64) (*spool.File, error)
}

// readAhead is how much of a body fasthttp has read before it asks anybody; the rest is
// still on the connection.
const readAhead = 8 << 10

// bodies reads what a request sends before its handler is asked: a small body into memory,
// a file of an operator onto the disk. What is not read to its end would be taken for the
// next request, so its connection is closed.
func (s *Server) bodies(app *fiber.App, next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if !ctx.Request.IsBodyStream() {
			next(ctx)
			return
		}
		size := ctx.Request.Header.ContentLength()
		if size == 0 || size > s.BodyLimit {
			if session, large := s.state.uploads.told(&ctx.Request.Header); large {
				s.readLarge(app, ctx, session, next)
				return
			}
		}
		switch {
		case size < 0: // in chunks, which are refused; see plainLength
			ctx.SetConnectionClose()
			ctx.Request.ResetBody()
			next(ctx)
		case size <= readAhead:
			ctx.Request.Body() // it is there: this ends the stream
			next(ctx)
		case size <= s.BodyLimit:
			s.readSmall(ctx, size, next)
		default: // on the operations listener
			s.refuseBody(app, ctx, fiber.ErrRequestEntityTooLarge)
		}
	}
}

// readSmall reads a body into memory. A sender who stops midway is not answered: the
// answer would be taken for that of the next request.
func (s *Server) readSmall(ctx *fasthttp.RequestCtx, size int, next fasthttp.RequestHandler) {
	body := make([]byte, size)
	if _, err := io.ReadFull(ctx.RequestBodyStream(), body); err != nil {
		_ = ctx.Conn().Close()
		return
	}
	ctx.Request.SetBodyRaw(body)
	next(ctx)
}

// sentFile is the user value that holds the file of a request.
const sentFile = "qingyuan.file"

// readLarge reads a body onto the disk, where it was let in: session is "" otherwise.
func (s *Server) readLarge(app *fiber.App, ctx *fasthttp.RequestCtx, session string, next fasthttp.RequestHandler) {
	if session == "" {
		s.refuseBody(app, ctx, fiber.ErrRequestEntityTooLarge)
		return
	}
	defer s.state.uploads.leave(session)
	size := int64(ctx.Request.Header.ContentLength())
	f, err := s.Spool.Take(ctx.RequestBodyStream(), size)
	if _, ours := errors.AsType[*fs.PathError](err); ours {
		s.refuseBody(app, ctx, fault.ErrUnavailable.Because(err))
		return
	}
	if err != nil { // the sender's
		_ = ctx.Conn().Close()
		return
	}
	defer func() { _ = f.Close() }() // it has no name: nothing is left
	ctx.Request.ResetBody()
	ctx.SetUserValue(sentFile, f)
	next(ctx)
}

// refuseBody answers a request whose body is not read.
func (s *Server) refuseBody(app *fiber.App, ctx *fasthttp.RequestCtx, err error) {
	ctx.SetConnectionClose()
	ctx.Request.ResetBody()
	c := app.AcquireCtx(ctx)
	defer app.ReleaseCtx(c)
	_ = s.unmatched(c, err) // it answers itself
}

// sent is the body of a route that takes files. It can be read by several readers.
type sent struct {
	readable

	size int64
}

type readable interface {
	io.Reader
	io.ReaderAt
}

// file returns the body of a route that takes files, as it was sent: the content of one
// file, with no form around it. It is valid until the handler returns.
func (k *call) file() (sent, error) {
	kind, _, err := mime.ParseMediaType(k.Get(fiber.HeaderContentType))
	if err != nil || strings.HasPrefix(kind, "multipart/") || kind == fiber.MIMEApplicationForm {
		return sent{}, errUnsupported
	}
	return k.body(), nil
}

// body returns what was sent, wherever it lies.
func (k *call) body() sent {
	if f, large := k.Context().UserValue(sentFile).(*spool.File); large {
		return sent{f, f.Size()}
	}
	raw := k.Request().Body()
	return sent{bytes.NewReader(raw), int64(len(raw))}
}
