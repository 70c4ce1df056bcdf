package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/operator"
)

// route is one line of the map: where, for whom, and what answers.
type route struct {
	method, path string
	guard        guard
	handle       func(*call) error
	// quick routes are answered from memory and need no deadline.
	quick bool
	// slow routes take files in or give them out, and have Server.SlowTimeout.
	slow bool
	// uploads take a body of up to Server.UploadLimit from who is signed in.
	uploads bool
	// always is open to operators who have to change their password first.
	always bool
	// feature is what an operator may switch off, "" for what must go on.
	feature Feature
	// action is what the guard staff asks the operator's right to; "" is enough to be
	// signed in.
	action operator.Action
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

func patch(path string, g guard, h func(*call) error) route { //nolint:unparam // As its sisters.
	return route{method: fiber.MethodPatch, path: path, guard: g, handle: h}
}

// slow marks a route of operators that may take minutes.
func slow(r route) route {
	r.slow = true
	return r
}

// upload marks a route of operators that takes a file: it is slow as well.
func upload(r route) route {
	r.slow, r.uploads = true, true
	return r
}

// quick marks a route that is answered from memory.
func quick(r route) route {
	r.quick = true
	return r
}

// part marks a route that goes off with its feature.
func part(f Feature, r route) route {
	r.feature = f
	return r
}

// routes is the map of the public listener. What is not here does not exist.
// Fiber tries the lines of a method in order, so what is asked most stands first
// in its block.
func (s *Server) routes() []route {
	const api, c = "/api/v1", "/api/v1/campaigns/:campaign"
	all := []route{
		quick(get(c+"/counts", public, s.showCounts)),
		quick(get(c+"/frame", public, s.showFrame)),
		part(FeatureBoards, get(c+"/boards/participants", office, s.showBoard)),
		part(FeatureBoards, get(c+"/boards/participants/me", person, s.showPlace)),
		part(FeatureBoards, quick(get(c+"/boards/units", office, s.rankUnits))),
		part(FeatureBoards, quick(get(c+"/boards/regions", office, s.rankRegions))),
		part(FeatureBreakdown, quick(get(c+"/counts/breakdown", office, s.showBreakdown))),
		part(FeatureHistory, get(c+"/counts/history", office, s.showHistory)),
		part(FeatureLive, quick(get(c+"/live", public, s.watch))),

		post(c+"/attempts/:attempt/submission", person, s.submit),
		put(c+"/attempts/:attempt/answers", person, s.saveAnswers),
		post(c+"/attempts", person, s.startAttempt),
		get(c+"/attempts/:attempt", person, s.showAttempt),
		get(c+"/attempts", person, s.listAttempts),

		get(c+"/me", person, s.showMe),
		quick(get(c, public, s.showCampaign)),
		quick(get(c+"/units", public, s.listUnits)),
		put(c+"/enrolment", person, s.enrol),
		quick(get(api+"/campaigns", public, s.listCampaigns)),

		post(c+"/signatures", person, s.sign),
		get(c+"/signatures/me", person, s.showSignature),
		quick(get(c+"/pledge", public, s.showPledge)),
		get(api+"/signatures/:serial", lookup, s.showBySerial),

		post(api+"/queue", public, s.joinQueue),
		post(api+"/sessions/wechat", door, s.signInWeChat),
		post(api+"/sessions/wechat-web", door, s.signInWeb),
		get(api+"/sessions/wechat-web/start", public, s.leaveForWeChat),
		get(api+"/sessions/wechat-web/callback", public, s.returnFromWeChat),
		post(api+"/sessions/wechat-web/redeem", door, s.redeemWeChat),
		quick(get(api+"/sessions/ways", public, s.listWays)),
		post(api+"/sessions/refresh", public, s.refresh),
		del(api+"/sessions/current", public, s.signOut),

		quick(get("/healthz", probe, s.showHealth)),
		get("/readyz", probe, s.showReadiness),
		get("/check/:serial", lookup, s.showCheck),
		quick(get("/docs", public, s.showDocs)),
		quick(get("/openapi.json", public, s.showSpec)),
		quick(get(api+"/error-codes", public, s.listErrorCodes)),
	}
	all = append(all, s.pageRoutes()...)
	all = append(all, s.prizeRoutes()...)
	all = append(all, s.drawRoutes()...)
	if s.ScreenTickets != nil {
		all = append(all, post(c+"/screen-tickets", screener, s.giveTicket))
	}
	all = append(all, s.personRoutes()...)
	all = append(all, s.proofRoutes()...)
	if s.Signers != nil {
		all = append(all, get(c+"/signatures/me/certificate", person, s.showOwnCertificate))
	}
	if s.Rosters != nil {
		all = append(all, post(api+"/sessions/roster", door, s.signInRoster), post(api+"/sessions/link", person, s.linkRoster))
	}
	if s.Demo {
		all = append(all, post(api+"/sessions/sandbox", door, s.signInSandbox))
	}
	return append(all, s.adminRoutes()...)
}
