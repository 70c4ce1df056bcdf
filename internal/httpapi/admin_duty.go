package httpapi

import (
	"context"
	"math"
	"time"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/duty"
	"qingyuan/internal/operator"
)

// Duty says how this server is.
type Duty interface {
	Report(ctx context.Context) duty.Report
}

// dutyRoutes are for whoever is on duty.
func (s *Server) dutyRoutes() []route {
	return []route{admin(get(officePath+"/duty", staff, s.showDuty), operator.ReadDuty)}
}

type dutyT struct {
	AsOf     string          `json:"as_of"`
	SeenMS   int64           `json:"seen_ms"`
	Level    string          `json:"level"`
	Ready    bool            `json:"ready"`
	Reasons  []string        `json:"reasons"`
	Warnings []string        `json:"warnings"`
	Figures  []dutyFigureT   `json:"figures"`
	Refusals []dutyRefusalsT `json:"refusals"`
	Routes   []dutyRouteT    `json:"routes"`
}

type dutyFigureT struct {
	ID    string   `json:"id"`
	Name  string   `json:"name"`
	Value *float64 `json:"value"`
	Unit  string   `json:"unit"`
	Level string   `json:"level"`
	Hint  string   `json:"hint"`
}

type dutyRefusalsT struct {
	Code        string `json:"code"`
	Message     string `json:"message"`
	Minute      int64  `json:"minute"`
	FiveMinutes int64  `json:"five_minutes"`
}

type dutyRouteT struct {
	Name     string  `json:"name"`
	Method   string  `json:"method"`
	Route    string  `json:"route"`
	Requests int64   `json:"requests"`
	P50MS    float64 `json:"p50_ms"`
	P99MS    float64 `json:"p99_ms"`
	Level    string  `json:"level"`
	Hint     string  `json:"hint"`
}

// showDuty handles GET /api/v1/admin/duty.
func (s *Server) showDuty(k *call) error {
	return k.send(fiber.StatusOK, dutyOf(s.Duty.Report(k.ctx)))
}

func dutyOf(r duty.Report) dutyT {
	out := dutyT{
		AsOf: stamp(r.At, nil), SeenMS: r.Since.Milliseconds(), Level: string(r.Level), Ready: r.Ready,
		Reasons: append([]string{}, r.Reasons...), Warnings: append([]string{}, r.Warnings...),
		Figures: []dutyFigureT{}, Refusals: []dutyRefusalsT{}, Routes: []dutyRouteT{},
	}
	for _, f := range r.Figures {
		if f.Value != nil {
			f.Value = new(tenths(*f.Value))
		}
		out.Figures = append(out.Figures, dutyFigureT{f.ID, f.Name, f.Value, f.Unit, string(f.Level), f.Hint})
	}
	for _, x := range r.Refusals {
		out.Refusals = append(out.Refusals, dutyRefusalsT{x.Code, messages()[x.Code], x.Minute, x.FiveMinutes})
	}
	for _, x := range r.Routes {
		out.Routes = append(out.Routes, dutyRouteT{
			x.Name, x.Method, x.Pattern, x.Requests, millis(x.P50), millis(x.P99), string(x.Level), x.Hint,
		})
	}
	return out
}

// tenths rounds what is read in a glance.
func tenths(v float64) float64 { return math.Round(v*10) / 10 }

func millis(d time.Duration) float64 { return tenths(float64(d) / float64(time.Millisecond)) }
