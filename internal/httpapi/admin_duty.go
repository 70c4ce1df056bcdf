package httpapi

import (
	"context"
	"math"
	"time"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/duty"
	"qingyuan/internal/operator"
)

// Duty says how this server is, and what may be leaking of the campaigns that the reader
// sees.
type Duty interface {
	Report(ctx context.Context, sees func(*campaign.Campaign) bool) duty.Report
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
	Leaks    []dutyLeaksT    `json:"leaks"`
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

type dutyLeaksT struct {
	Campaign  string      `json:"campaign"`
	Title     string      `json:"title"`
	Questions []dutyLeakT `json:"questions"`
}

type dutyLeakT struct {
	Question       string  `json:"question"`
	Since          string  `json:"since"`
	FacilityBefore float64 `json:"facility_before"`
	FacilityAfter  float64 `json:"facility_after"`
	PaceBeforeMS   int64   `json:"pace_before_ms"`
	PaceAfterMS    int64   `json:"pace_after_ms"`
}

// showDuty handles GET /api/v1/admin/duty. How questions are answered is told to who may
// read the figures of the whole campaign: they are of everybody in it.
func (s *Server) showDuty(k *call) error {
	sees := func(c *campaign.Campaign) bool { return k.actor.Within(operator.ReadFigures, c, "") }
	return k.send(fiber.StatusOK, dutyOf(s.Duty.Report(k.ctx, sees)))
}

func dutyOf(r duty.Report) dutyT {
	out := dutyT{
		AsOf: stamp(r.At, nil), SeenMS: r.Since.Milliseconds(), Level: string(r.Level), Ready: r.Ready,
		Reasons: append([]string{}, r.Reasons...), Warnings: append([]string{}, r.Warnings...),
		Figures: []dutyFigureT{}, Refusals: []dutyRefusalsT{}, Routes: []dutyRouteT{}, Leaks: []dutyLeaksT{},
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
	for _, x := range r.Leaks {
		out.Leaks = append(out.Leaks, dutyLeaksOf(x))
	}
	return out
}

func dutyLeaksOf(l duty.Leaks) dutyLeaksT {
	out := dutyLeaksT{Campaign: l.Campaign, Title: l.Title, Questions: []dutyLeakT{}}
	for _, q := range l.Questions {
		out.Questions = append(out.Questions, dutyLeakT{
			q.Question, stamp(q.Since, nil), rounded(q.Before, shareScale), rounded(q.After, shareScale),
			q.PaceBefore.Milliseconds(), q.PaceAfter.Milliseconds(),
		})
	}
	return out
}

// tenths rounds what is read in a glance.
func tenths(v float64) float64 { return math.Round(v*10) / 10 }

func millis(d time.Duration) float64 { return tenths(float64(d) / float64(time.Millisecond)) }
