package httpapi

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"qingyuan/internal/fault"
	"qingyuan/internal/waitingroom"
)

// problem is the body of every failure.
type problem struct {
	Code          string        `json:"code"`
	Message       string        `json:"message"`
	RequestID     string        `json:"request_id"`
	RetryAfterMS  int64         `json:"retry_after_ms,omitzero"`
	NextAttemptAt string        `json:"next_attempt_at,omitzero"`
	Fields        []fault.Field `json:"fields,omitempty"`
	// Reasons and Warnings are of the readiness probe alone.
	Reasons  []string `json:"reasons,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// defaultRetry is asked for where a fault that mends itself names no time.
const defaultRetry = time.Second

// faultOf turns any error into what may be shown of it. A deadline of ours that
// passed while a store was waited for is an outage and not a defect.
func faultOf(err error) *fault.Error {
	if _, ok := errors.AsType[*fault.Error](err); !ok &&
		(errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		return fault.ErrUnavailable.Because(err)
	}
	return fault.From(err)
}

// fail is the one place that writes a failure and the one that logs it. route is
// the pattern and not the path, which may name somebody.
func (s *Server) fail(c *fiber.Ctx, route string, err error) {
	f := faultOf(err)
	p := problemOf(f)
	s.state.metrics.failures.WithLabelValues(p.Code).Inc()
	s.write(c, statusOf(f), p)
	if asksForPage(c) {
		s.sayOnPage(c, p)
	}
	s.logFailure(c, route, p, err)
}

func problemOf(f *fault.Error) problem {
	p := problem{Code: f.Code, Message: f.Text, RequestID: rand.Text()[:16], Fields: f.Fields}
	if f.Kind == fault.Limited || f.Kind == fault.Unavailable {
		p.RetryAfterMS = max(f.RetryAfter, 0).Milliseconds()
		if p.RetryAfterMS == 0 {
			p.RetryAfterMS = defaultRetry.Milliseconds()
		}
	}
	if !f.NextAttemptAt.IsZero() {
		p.NextAttemptAt = f.NextAttemptAt.Format(timeLayout)
	}
	return p
}

// write replaces whatever a handler had begun to answer.
func (s *Server) write(c *fiber.Ctx, status int, p problem) {
	allow, last := c.GetRespHeader(fiber.HeaderAllow), c.Response().Header.ConnectionClose()
	c.Response().Reset()
	if last {
		c.Response().SetConnectionClose()
	}
	s.guardHeaders(c)
	if allow != "" {
		c.Set(fiber.HeaderAllow, allow)
	}
	c.Set(fiber.HeaderXRequestID, p.RequestID)
	if p.RetryAfterMS > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.FormatInt((p.RetryAfterMS+999)/1000, 10))
	}
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and numbers only
	}
	c.Response().Header.SetContentType(jsonType)
	c.Status(status).Response().SetBodyRaw(body)
}

// logFailure writes one record. What a client got wrong is quoted in no cause:
// it may be a name. Only our own failures show theirs.
func (s *Server) logFailure(c *fiber.Ctx, route string, p problem, err error) {
	status := c.Response().StatusCode()
	attrs := []slog.Attr{
		slog.String("route", route), slog.String("method", methodOf(c)),
		slog.Int("status", status), slog.String("code", p.Code), slog.String("request_id", p.RequestID),
	}
	level := slog.LevelInfo
	if errors.Is(err, waitingroom.ErrRequired) || errors.Is(err, errOff) {
		// Meant so, and by the thousand: the metrics count them.
		level = slog.LevelDebug
	} else if status >= fiber.StatusInternalServerError {
		level = slog.LevelWarn
		attrs = append(attrs, slog.Any("err", err))
	}
	if p.Code == fault.ErrInternal.Code {
		level = slog.LevelError
	}
	s.Log.LogAttrs(c.UserContext(), level, "request failed", attrs...)
}

// methodOf is the method as a bounded word.
func methodOf(c *fiber.Ctx) string {
	if m := c.Method(); isMethod(m) {
		return m
	}
	return "other"
}

func isMethod(m string) bool {
	switch m {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodPost, fiber.MethodPut, fiber.MethodDelete,
		fiber.MethodPatch, fiber.MethodOptions, fiber.MethodTrace, fiber.MethodConnect:
		return true
	}
	return false
}

// unmatched answers what no route took: unknown paths and methods, and requests
// that could not be read at all. It is Fiber's error handler.
func (s *Server) unmatched(c *fiber.Ctx, err error) error {
	e, ok := errors.AsType[*fiber.Error](err)
	if ok && e.Code == fiber.StatusRequestTimeout {
		// An answer nobody asked for would be taken for that of the next request.
		_ = c.Context().Conn().Close()
		return nil
	}
	if to, slashed := withoutSlash(c); slashed { // as free as the page itself
		s.leadOn(c, to)
	} else if limited := s.withinLimits(s.newCall(c, s.Now()), public); limited != nil {
		s.fail(c, unmatchedRoute, limited)
	} else if ok && e.Code == fiber.StatusMethodNotAllowed && c.Method() == fiber.MethodOptions {
		s.options(c)
	} else {
		s.fail(c, unmatchedRoute, edgeFault(err))
	}
	s.state.metrics.unmatched(methodOf(c), c.Response().StatusCode())
	return nil
}

// edgeFault names what Fiber and fasthttp refuse by themselves.
func edgeFault(err error) *fault.Error {
	e, ok := errors.AsType[*fiber.Error](err)
	if !ok {
		return faultOf(err)
	}
	switch e.Code {
	case fiber.StatusNotFound:
		return fault.ErrNotFound
	case fiber.StatusMethodNotAllowed:
		return errMethod
	case fiber.StatusRequestEntityTooLarge, fiber.StatusRequestHeaderFieldsTooLarge:
		return errTooLarge
	case fiber.StatusUnsupportedMediaType:
		return errUnsupported
	default:
		if e.Code < fiber.StatusInternalServerError || e.Code == fiber.StatusBadGateway {
			return fault.ErrInvalid // a connection that broke while it was read is 502 to Fiber
		}
		return fault.ErrInternal.Because(err)
	}
}

// options says which methods a path takes. There is no CORS: pages are served
// from the same origin, and mini-programs do not ask.
func (s *Server) options(c *fiber.Ctx) {
	allow := c.GetRespHeader(fiber.HeaderAllow) + ", " + fiber.MethodOptions
	c.Response().Reset()
	s.guardHeaders(c)
	c.Set(fiber.HeaderAllow, allow)
	c.Status(fiber.StatusNoContent)
}

// leadOn sends a browser to another address of this server.
func (s *Server) leadOn(c *fiber.Ctx, to string) {
	c.Response().Reset()
	s.guardHeaders(c)
	c.Set(fiber.HeaderLocation, to)
	c.Status(fiber.StatusMovedPermanently)
}

// knownMethods answers methods that Fiber does not know: by itself it would
// send plain text.
func (s *Server) knownMethods(app *fiber.App, next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if isMethod(string(ctx.Method())) {
			next(ctx)
			return
		}
		ctx.Request.Header.SetMethod(fiber.MethodGet)
		c := app.AcquireCtx(ctx)
		defer app.ReleaseCtx(c)
		c.Set(fiber.HeaderAllow, strings.Join([]string{
			fiber.MethodGet, fiber.MethodHead, fiber.MethodPost, fiber.MethodPut, fiber.MethodPatch, fiber.MethodDelete, fiber.MethodOptions,
		}, ", "))
		s.fail(c, unmatchedRoute, errMethod)
		s.state.metrics.unmatched("other", fiber.StatusMethodNotAllowed)
	}
}
