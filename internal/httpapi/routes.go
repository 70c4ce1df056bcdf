package httpapi

import "github.com/gofiber/fiber/v2"

// route is one line of the map: where, for whom, and what answers.
type route struct {
	method, path string
	guard        guard
	handle       func(*call) error
	// quick routes are answered from memory and need no deadline.
	quick bool
}

func get(path string, g guard, h func(*call) error) route {
	return route{method: fiber.MethodGet, path: path, guard: g, handle: h}
}

func put(path string, g guard, h func(*call) error) route {
	return route{method: fiber.MethodPut, path: path, guard: g, handle: h}
}

func post(path string, g guard, h func(*call) error) route {
	return route{method: fiber.MethodPost, path: path, guard: g, handle: h}
}

func del(path string, g guard, h func(*call) error) route {
	return route{method: fiber.MethodDelete, path: path, guard: g, handle: h}
}

// quick marks a route that is answered from memory.
func quick(r route) route {
	r.quick = true
	return r
}

// routes is the map of the public listener. What is not here does not exist.
func (s *Server) routes() []route {
	const api, c = "/api/v1", "/api/v1/campaigns/:campaign"
	all := []route{
		post(api+"/sessions/wechat", door, s.signInWeChat),
		post(api+"/sessions/wechat-web", door, s.signInWeb),
		post(api+"/sessions/refresh", public, s.refresh),
		del(api+"/sessions/current", person, s.signOut),

		quick(get(api+"/campaigns", public, s.listCampaigns)),
		quick(get(c, public, s.showCampaign)),
		quick(get(c+"/units", public, s.listUnits)),
		put(c+"/enrolment", person, s.enrol),
		get(c+"/me", person, s.showMe),

		post(c+"/attempts", person, s.startAttempt),
		get(c+"/attempts", person, s.listAttempts),
		get(c+"/attempts/:attempt", person, s.showAttempt),
		put(c+"/attempts/:attempt/answers", person, s.saveAnswers),
		post(c+"/attempts/:attempt/submission", person, s.submit),

		quick(get(c+"/pledge", public, s.showPledge)),
		post(c+"/signatures", person, s.sign),
		get(c+"/signatures/me", person, s.showSignature),
		get(api+"/signatures/:serial", lookup, s.showBySerial),

		quick(get(c+"/counts", public, s.showCounts)),
		quick(get(c+"/counts/breakdown", office, s.showBreakdown)),
		get(c+"/counts/history", office, s.showHistory),
		get(c+"/boards/participants", public, s.showBoard),
		get(c+"/boards/participants/me", person, s.showPlace),
		quick(get(c+"/boards/units", office, s.rankUnits)),
		quick(get(c+"/boards/regions", office, s.rankRegions)),
		quick(get(c+"/frame", public, s.showFrame)),
		quick(get(c+"/live", public, s.watch)),

		quick(get(api+"/error-codes", public, s.listErrorCodes)),
		quick(get("/openapi.json", public, s.showSpec)),
		quick(get("/docs", public, s.showDocs)),
		quick(get("/", public, s.showHome)),
		quick(get("/healthz", probe, s.showHealth)),
		get("/readyz", probe, s.showReadiness),
	}
	if s.Demo {
		all = append(all, post(api+"/sessions/sandbox", door, s.signInSandbox))
	}
	return all
}
