package duty

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Activity is what this server did lately, as its metrics tell.
type Activity struct {
	// Since is how much of the last five minutes was seen.
	Since time.Duration

	// Within the last minute: acts that were acknowledged, repeats among them.
	Starts, Submissions, Signatures int64
	// SignIns of participants and those that failed; DeskFailed of operators.
	SignIns, SignInsFailed, DeskFailed int64
	// Internal and Unavailable are answers of 500 and 503.
	Internal, Unavailable int64
	AdmittedPerSecond     float64
	Routes                []Route

	// Refusals by code, the most frequent of the last minute first.
	Refusals []Refusals

	// As of now.
	Waiting, Watchers float64
	// Pace is the part of the line's rate at which this server lets people in; 0 is all of it.
	Pace float64
}

const (
	campaignPath = "/api/v1/campaigns/:campaign"
	sessionsPath = "/api/v1/sessions/"
	deskPath     = "/api/v1/admin/sessions"
	readyPath    = "/readyz"
)

// hot are the routes that a rush consists of.
func hot() []Route {
	return []Route{
		{Name: "开始答题", Method: http.MethodPost, Pattern: campaignPath + "/attempts"},
		{Name: "交卷", Method: http.MethodPost, Pattern: campaignPath + "/attempts/:attempt/submission"},
		{Name: "签署", Method: http.MethodPost, Pattern: campaignPath + "/signatures"},
		{Name: "报名", Method: http.MethodPut, Pattern: campaignPath + "/enrolment"},
		{Name: "个人主页", Method: http.MethodGet, Pattern: campaignPath + "/me"},
		{Name: "活动数字", Method: http.MethodGet, Pattern: campaignPath + "/counts"},
	}
}

// between works out what happened from the samples of now, a minute ago and five.
func between(now, minute, five *sample) Activity {
	a := Activity{
		Since: now.at.Sub(five.at), Waiting: now.waiting, Watchers: now.watchers, Pace: now.pace,
		Refusals: refusals(now, minute, five),
	}
	if s := now.at.Sub(minute.at).Seconds(); s > 0 {
		a.AdmittedPerSecond = (now.called - minute.called) / s
	}
	for k, n := range now.requests {
		if n -= minute.requests[k]; n > 0 {
			a.add(k, int64(n))
		}
	}
	a.Routes = hot()
	for i := range a.Routes {
		r := &a.Routes[i]
		key := routeKey{r.Method, r.Pattern}
		h := now.times[key].minus(minute.times[key])
		r.Requests, r.P50, r.P99 = int64(h.count()), h.quantile(0.5), h.quantile(0.99)
	}
	return a
}

// add sorts requests that were answered within the minute.
func (a *Activity) add(k requestKey, n int64) {
	good := k.status < http.StatusBadRequest
	switch {
	case k.status == http.StatusInternalServerError:
		a.Internal += n
	case k.status == http.StatusServiceUnavailable && k.pattern != readyPath: // what a probe is told is in the reasons
		a.Unavailable += n
	}
	if k.method != http.MethodPost {
		return
	}
	door := strings.HasPrefix(k.pattern, sessionsPath)
	switch {
	case door:
		a.SignIns += n
		if !good && k.status != http.StatusTooManyRequests { // who waits in line has not failed
			a.SignInsFailed += n
		}
	case k.pattern == deskPath && !good:
		a.DeskFailed += n
	case !good:
	case k.pattern == campaignPath+"/attempts":
		a.Starts += n
	case k.pattern == campaignPath+"/attempts/:attempt/submission":
		a.Submissions += n
	case k.pattern == campaignPath+"/signatures":
		a.Signatures += n
	}
}

// refusals are the codes of the last five minutes.
func refusals(now, minute, five *sample) []Refusals {
	var out []Refusals
	for code, n := range now.failures {
		if all := int64(n - five.failures[code]); all > 0 {
			out = append(out, Refusals{Code: code, Minute: int64(n - minute.failures[code]), FiveMinutes: all})
		}
	}
	slices.SortFunc(out, func(a, b Refusals) int {
		return cmp.Or(cmp.Compare(b.Minute, a.Minute), cmp.Compare(b.FiveMinutes, a.FiveMinutes), cmp.Compare(a.Code, b.Code))
	})
	return out
}
