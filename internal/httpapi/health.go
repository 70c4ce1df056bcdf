package httpapi

import (
	"net/http/pprof"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"qingyuan/internal/fault"
)

type healthAnswer struct {
	Status   string   `json:"status"`
	Warnings []string `json:"warnings,omitempty"`
}

// showHealth handles GET /healthz: the process answers.
func (s *Server) showHealth(k *call) error {
	return k.send(fiber.StatusOK, healthAnswer{Status: "ok"})
}

// showReadiness handles GET /readyz. Reasons and warnings are for operators and
// name parts of the system, no persons and no addresses.
func (s *Server) showReadiness(k *call) error {
	r := s.Ready(k.ctx)
	if len(r.Reasons) == 0 {
		return k.send(fiber.StatusOK, healthAnswer{Status: "ready", Warnings: r.Warnings})
	}
	p := problemOf(fault.ErrUnavailable)
	p.Reasons, p.Warnings = r.Reasons, r.Warnings
	s.write(k.Ctx, fiber.StatusServiceUnavailable, p)
	return nil
}

// OpsApp returns the operations listener's application. It has no limits and
// asks for no identity: keep it off the public network.
func (s *Server) OpsApp() *fiber.App {
	s.setup()
	app := fiber.New(s.config())
	for _, r := range []route{
		quick(get("/healthz", probe, s.showHealth)),
		get("/readyz", probe, s.showReadiness),
		quick(get("/metrics", probe, s.showMetrics())),
	} {
		app.Add(r.method, r.path, s.plain(r))
	}
	if s.Pprof {
		s.addPprof(app)
	}
	srv := app.Server()
	srv.Handler = s.bodies(app, s.knownMethods(app, srv.Handler))
	return app
}

// plain wraps a handler without counting: the operations listener is not part
// of the figures.
func (s *Server) plain(r route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if err := s.guarded(c, r, s.Now()); err != nil {
			s.fail(c, r.path, err)
		}
		return nil
	}
}

func (s *Server) showMetrics() func(*call) error {
	gatherer := s.Gatherer
	if gatherer == nil {
		gatherer = prometheus.NewRegistry()
	}
	h := adaptor.HTTPHandler(promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{}))
	return func(k *call) error { return h(k.Ctx) }
}

func (s *Server) addPprof(app *fiber.App) {
	app.Get("/debug/pprof/cmdline", adaptor.HTTPHandlerFunc(pprof.Cmdline))
	app.Get("/debug/pprof/profile", adaptor.HTTPHandlerFunc(pprof.Profile))
	app.Get("/debug/pprof/symbol", adaptor.HTTPHandlerFunc(pprof.Symbol))
	app.Get("/debug/pprof/trace", adaptor.HTTPHandlerFunc(pprof.Trace))
	app.Get("/debug/pprof/*", adaptor.HTTPHandlerFunc(pprof.Index))
}
