//go:build chaos

package chaos

import (
	"fmt"
	"strconv"
	"time"
)

const api = "/api/v1"

// page is one page of any list of the contract.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next_cursor"`
}

type session struct {
	AccessToken string `json:"access_token"`
	Participant struct {
		ID string `json:"id"`
	} `json:"participant"`
}

type quizRules struct {
	MaxScore  int `json:"max_score"`
	PassScore int `json:"pass_score"`
	PerDay    int `json:"attempts_per_day"`
}

type campaign struct {
	ID     string `json:"id"`
	Groups []struct {
		ID       string `json:"id"`
		Guardian bool   `json:"guardian_required"`
	} `json:"groups"`
	Notice struct {
		Version string `json:"version"`
	} `json:"consent_notice"`
	Quiz   *quizRules `json:"quiz"`
	Pledge *struct {
		Version string `json:"version"`
	} `json:"pledge"`
}

type node struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
}

type question struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Stem    string `json:"stem"`
	Options []struct {
		ID   string `json:"id"`
		Text string `json:"text"`
	} `json:"options"`
}

type answers map[string][]string

// paper is an open attempt, and the head of any other.
type paper struct {
	Attempt   string     `json:"attempt"`
	Number    int        `json:"number"`
	State     string     `json:"state"`
	StartedAt time.Time  `json:"started_at"`
	Deadline  time.Time  `json:"deadline"`
	Questions []question `json:"questions"`
}

func (p paper) receipt() string {
	return fmt.Sprintf("%s|%d|%d|%d", p.Attempt, p.Number, p.StartedAt.UnixMilli(), p.Deadline.UnixMilli())
}

// receipt is a finished attempt.
type receipt struct {
	paper

	Score       int       `json:"score"`
	MaxScore    int       `json:"max_score"`
	Correct     int       `json:"correct"`
	Questions   int       `json:"questions"`
	Passed      bool      `json:"passed"`
	UsedMS      int64     `json:"used_ms"`
	SubmittedAt time.Time `json:"submitted_at"`
	ClosedBy    string    `json:"closed_by"`
}

// receipt is what never changes of a finished attempt.
func (r receipt) receipt() string {
	return fmt.Sprintf("%s|%d/%d|%d/%d|%t|%d|%d|%s", r.paper.receipt(), r.Score, r.MaxScore, r.Correct, r.Questions,
		r.Passed, r.UsedMS, r.SubmittedAt.UnixMilli(), r.ClosedBy)
}

type enrolment struct {
	Unit       string    `json:"unit"`
	Group      string    `json:"group"`
	Name       string    `json:"name"`
	EnrolledAt time.Time `json:"enrolled_at"`
}

func (e enrolment) receipt() string {
	return fmt.Sprintf("%s|%s|%s|%d", e.Unit, e.Group, e.Name, e.EnrolledAt.UnixMilli())
}

type signature struct {
	Serial     string    `json:"serial"`
	Version    string    `json:"version"`
	TextSHA256 string    `json:"text_sha256"`
	SignedAt   time.Time `json:"signed_at"`
	Unit       string    `json:"unit"`
	Method     string    `json:"method"`
}

func (s signature) receipt() string {
	return fmt.Sprintf("%s|%s|%s|%d|%s|%s", s.Serial, s.Version, s.TextSHA256, s.SignedAt.UnixMilli(), s.Unit, s.Method)
}

type home struct {
	Enrolment *enrolment `json:"enrolment"`
	Signature *signature `json:"signature"`
	Best      *struct {
		Score  int   `json:"score"`
		UsedMS int64 `json:"used_ms"`
	} `json:"best"`
}

// figures are counts of a campaign or of a part of it.
type figures struct {
	Enrolled     int  `json:"enrolled"`
	Participants int  `json:"participants"`
	Attempts     int  `json:"attempts"`
	Signatures   int  `json:"signatures"`
	Passed       *int `json:"passed"` // withheld where too few took part
}

func (f figures) String() string {
	passed := "withheld"
	if f.Passed != nil {
		passed = strconv.Itoa(*f.Passed)
	}
	return fmt.Sprintf("enrolled %d, participants %d, attempts %d, signatures %d, passed %s",
		f.Enrolled, f.Participants, f.Attempts, f.Signatures, passed)
}

// equal compares what both say.
func (f figures) equal(g figures) bool {
	return f.Enrolled == g.Enrolled && f.Participants == g.Participants && f.Attempts == g.Attempts &&
		f.Signatures == g.Signatures && (f.Passed == nil || g.Passed == nil || *f.Passed == *g.Passed)
}
