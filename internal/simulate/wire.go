package simulate

import "time"

// page is one page of any list of the contract.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next_cursor"` // null leaves it empty
}

// campaign is what the simulator reads of a campaign.
type campaign struct {
	ID    string `json:"id"`
	State string `json:"state"`
	// The list has only the two above.
	Groups []group `json:"groups"`
	Fields []struct {
		Field    string `json:"field"`
		Required bool   `json:"required"`
	} `json:"enrolment_fields"`
	RankingMode string `json:"ranking_mode"`
	Notice      struct {
		Version string `json:"version"`
	} `json:"consent_notice"`
	Quiz *struct {
		Questions int `json:"questions"`
		PassScore int `json:"pass_score"`
		MaxScore  int `json:"max_score"`
	} `json:"quiz"`
	Pledge *struct {
		Version string `json:"version"`
	} `json:"pledge"`
}

// group is one kind of participant.
type group struct {
	ID string `json:"id"`
	// Guardian is told by servers that know more such groups than under14.
	Guardian bool `json:"guardian_required"`
}

func (g group) needsGuardian() bool { return g.Guardian || g.ID == under14 }

func (c *campaign) ranks() bool { return c.RankingMode == "top_n" }

func (c *campaign) requires(field string) bool {
	for _, f := range c.Fields {
		if f.Field == field {
			return f.Required
		}
	}
	return false
}

// node is one region or unit of the organisation tree.
type node struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
}

// pledge is the text to sign.
type pledge struct {
	Version string   `json:"version"`
	SHA256  string   `json:"sha256"`
	Methods []string `json:"methods"`
}

// signInRequest opens the sandbox door. The ticket is that of the waiting room.
type signInRequest struct {
	Name   string `json:"name"`
	Ticket string `json:"ticket,omitempty"`
}

// session is what a sign-in gives.
type session struct {
	AccessToken string `json:"access_token"`
	Participant struct {
		ID string `json:"id"`
	} `json:"participant"`
}

// enrolmentRequest is what a participant says when they enrol.
type enrolmentRequest struct {
	Unit     string         `json:"unit"`
	Name     string         `json:"name"`
	Phone    string         `json:"phone,omitempty"`
	Group    string         `json:"group"`
	Consent  consentRequest `json:"consent"`
	Guardian *guardian      `json:"guardian,omitempty"`
}

type consentRequest struct {
	NoticeVersion string `json:"notice_version"`
	PublishName   bool   `json:"publish_name"`
}

type guardian struct {
	Name    string `json:"name"`
	Consent bool   `json:"consent"`
}

// startRequest asks for the next attempt, or for that of a number.
type startRequest struct {
	Number int `json:"number,omitempty"`
}

// paper is an open attempt.
type paper struct {
	Attempt   string     `json:"attempt"`
	State     string     `json:"state"`
	Questions []question `json:"questions"`
}

type question struct {
	ID      string   `json:"id"`
	Kind    string   `json:"kind"`
	Stem    string   `json:"stem"`
	Options []option `json:"options"`
}

type option struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

func (p *paper) question(id string) (question, bool) {
	for _, q := range p.Questions {
		if q.ID == id {
			return q, true
		}
	}
	return question{}, false
}

// reviewed is one question of a review: option ids of its attempt.
type reviewed struct {
	ID     string   `json:"id"`
	Chosen []string `json:"chosen"`
	Right  []string `json:"right"`
}

// answers are option ids by question id.
type answers map[string][]string

type submission struct {
	Answers answers `json:"answers"`
}

type saveRequest struct {
	Revision int64   `json:"revision"`
	Answers  answers `json:"answers"`
}

type saved struct {
	Revision int64 `json:"revision"`
}

// receipt is what a submission gives. Pointers tell a missing field from zero.
type receipt struct {
	Attempt     string     `json:"attempt"`
	State       string     `json:"state"`
	ClosedBy    string     `json:"closed_by"`
	Score       *int       `json:"score"`
	MaxScore    *int       `json:"max_score"`
	Correct     *int       `json:"correct"`
	Questions   *int       `json:"questions"`
	Passed      *bool      `json:"passed"`
	UsedMS      *int64     `json:"used_ms"`
	SubmittedAt *time.Time `json:"submitted_at"`
	Best        *best      `json:"best"`
	Rank        *int64     `json:"rank"`
	Review      []reviewed `json:"review"`
}

type best struct {
	Score  int   `json:"score"`
	UsedMS int64 `json:"used_ms"`
}

// fixed is the part of a receipt that never changes.
type fixed struct {
	Attempt                             string
	Score, MaxScore, Correct, Questions int
	Passed                              bool
	UsedMS, SubmittedAt                 int64
}

// complete tells whether every fixed field is there.
func (r *receipt) complete() bool {
	return r.Attempt != "" && r.State == stateSubmitted && r.Score != nil && r.MaxScore != nil && r.Correct != nil &&
		r.Questions != nil && r.Passed != nil && r.UsedMS != nil && r.SubmittedAt != nil
}

// fixed returns the fixed part of a complete receipt.
func (r *receipt) fixed() fixed {
	return fixed{
		Attempt: r.Attempt, Score: *r.Score, MaxScore: *r.MaxScore, Correct: *r.Correct, Questions: *r.Questions,
		Passed: *r.Passed, UsedMS: *r.UsedMS, SubmittedAt: r.SubmittedAt.UnixNano(),
	}
}

// The states of an attempt.
const (
	stateOpen      = "open"
	stateSubmitted = "submitted"
)

// point is one sample of a pen.
type point struct {
	X int `json:"x"`
	Y int `json:"y"`
	T int `json:"t"`
}

type signRequest struct {
	Version string    `json:"version"`
	Method  string    `json:"method"`
	Name    string    `json:"name"`
	Strokes [][]point `json:"strokes,omitempty"`
}

// signature is the receipt of a signing. It is fixed as a whole.
type signature struct {
	Serial     string    `json:"serial"`
	Version    string    `json:"version"`
	TextSHA256 string    `json:"text_sha256"`
	SignedAt   time.Time `json:"signed_at"`
	Method     string    `json:"method"`
}

func (s signature) equal(o signature) bool {
	return s.Serial == o.Serial && s.Version == o.Version && s.TextSHA256 == o.TextSHA256 &&
		s.SignedAt.Equal(o.SignedAt) && s.Method == o.Method
}

// home is what a participant reads about themself.
type home struct {
	Enrolment   *struct{} `json:"enrolment"`
	Signature   *struct{} `json:"signature"`
	OpenAttempt *struct {
		Attempt string `json:"attempt"`
	} `json:"open_attempt"`
	Best *best  `json:"best"`
	Rank *int64 `json:"rank"`
}

// figures are the counts of a campaign that the simulator moves.
type figures struct {
	Enrolled     int64 `json:"enrolled"`
	Participants int64 `json:"participants"`
	Attempts     int64 `json:"attempts"`
	Signatures   int64 `json:"signatures"`
	Passed       int64 `json:"passed"`
}

const kinds = 5

// list returns the figures in the order of figureNames.
func (f figures) list() [kinds]int64 {
	return [kinds]int64{f.Enrolled, f.Participants, f.Attempts, f.Signatures, f.Passed}
}

func figureNames() [kinds]string {
	return [kinds]string{"enrolled", "participants", "attempts", "signatures", "passed"}
}
