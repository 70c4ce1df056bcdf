package httpapi

import (
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestContractKeepsItsFields holds the names that pages and mini-programs were built
// on: the contract may grow, and what was there stays and is always there.
func TestContractKeepsItsFields(t *testing.T) {
	t.Parallel()
	const (
		line    = "id title state opens_at closes_at"
		counts  = "enrolled participants attempts signatures passed today last_hour"
		figures = "enrolled participants attempts signatures passed average roster participation_rate"
		item    = "rank name unit score used_ms"
		fixed   = "attempt state score max_score correct questions passed used_ms submitted_at"
	)
	for where, want := range map[string]string{
		"CampaignList items":              line,
		"Campaign":                        line + " server_time groups enrolment_fields ranking_mode consent_notice quiz pledge",
		"Campaign groups":                 "id name",
		"Campaign enrolment_fields":       "field required",
		"Campaign consent_notice":         "version text",
		"Campaign quiz":                   "questions time_limit_ms attempts_per_day attempts_in_all pass_score max_score policy review",
		"Campaign pledge":                 "version title",
		"Home":                            "enrolment signature open_attempt attempts_left next_attempt_at best rank server_time",
		"Home best":                       "score used_ms",
		"Receipt":                         fixed + " best rank attempts_left_today",
		"Counts":                          "as_of " + counts,
		"Counts today":                    "participants attempts signatures",
		"Breakdown items":                 "id name " + figures,
		"History items":                   "participants attempts signatures",
		"Board":                           "as_of total items",
		"Board items":                     item,
		"Place":                           "rank of beat_percent score used_ms around",
		"Place around":                    item,
		"UnitBoard":                       "items unranked",
		"UnitBoard items":                 "rank id name " + figures,
		"UnitBoard unranked":              "id name " + figures,
		"Frame":                           "as_of counts regions boards trend recent",
		"Frame regions":                   "id name " + figures,
		"Frame boards participants items": item,
		"Frame boards regions items":      item,
		"Frame recent":                    "kind name unit at",
		"Frame counts":                    counts,
		"Frame boards regions":            "id name items",
		"Frame trend":                     "participants attempts signatures",
	} {
		s := schemaAt(t, where)
		for field := range strings.FieldsSeq(want) {
			if s.Properties[field] == nil || !slices.Contains(s.Required, field) {
				t.Errorf("%s: %s is no longer in every answer", where, field)
			}
		}
	}
}

// schemaAt follows a path such as "Board items" into the contract's schemas,
// through lists.
func schemaAt(t *testing.T, path string) *openapi3.Schema {
	t.Helper()
	doc, _ := contract()
	names := strings.Fields(path)
	ref := doc.Components.Schemas[names[0]]
	for _, name := range names[1:] {
		ref = elements(ref).Properties[name]
		if ref == nil {
			t.Fatalf("%s: there is no %s", path, name)
		}
	}
	return elements(ref)
}

func elements(ref *openapi3.SchemaRef) *openapi3.Schema {
	if ref.Value.Items != nil {
		return ref.Value.Items.Value
	}
	return ref.Value
}
