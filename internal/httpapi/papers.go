package httpapi

import (
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	lru "github.com/hashicorp/golang-lru/v2"

	"qingyuan/campaign"
	"qingyuan/quiz"
)

// A paper is the largest answer that is not the same for everybody: five thousand
// bytes for twenty questions, and nearly all of them are texts of the bank, the same
// in each. So a question is written as JSON once, by package json, and from then on
// papers are put together from what was written.

// prints are the questions of the banks that were shown lately.
type prints struct {
	banks *lru.Cache[string, *bankPrint]
}

// printsKept is how many versions of banks are kept written. Each takes about what
// its texts do.
const printsKept = 16

func newPrints() *prints {
	banks, err := lru.New[string, *bankPrint](printsKept)
	if err != nil {
		panic(err) // the size is at least 1
	}
	return &prints{banks}
}

// of returns what is written of a version of a bank, which never changes.
func (p *prints) of(digest string) *bankPrint {
	if one, ok := p.banks.Get(digest); ok {
		return one
	}
	p.banks.ContainsOrAdd(digest, &bankPrint{})
	one, ok := p.banks.Get(digest)
	if !ok { // so many others came meanwhile
		return &bankPrint{}
	}
	return one
}

// bankPrint is what is written of one bank: its questions by their place, nil where one
// was not asked for yet.
type bankPrint struct {
	mu        sync.Mutex // of who adds one
	questions atomic.Pointer[[]*printed]
}

// printed is one question without what differs from paper to paper: its id, and ids
// and order of the options.
type printed struct {
	middle  []byte   // from behind the id to the options
	options [][]byte // each from behind its id, by their place in the bank
}

// question returns question at of the bank, as q shows it.
func (p *bankPrint) question(at int, q *quiz.SheetQuestion) (*printed, error) {
	if all := p.questions.Load(); all != nil && at < len(*all) && (*all)[at] != nil {
		return (*all)[at], nil
	}
	one, err := printOf(q)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var known []*printed
	if all := p.questions.Load(); all != nil {
		known = *all
	}
	more := make([]*printed, max(len(known), at+1)) // readers hold the other one
	copy(more, known)
	more[at] = one
	p.questions.Store(&more)
	return one, nil
}

// printOf writes a question.
func printOf(q *quiz.SheetQuestion) (*printed, error) {
	bare := questionOf(*q)
	bare.ID, bare.Options = "", []optionAnswer{}
	text, err := json.Marshal(bare)
	if err != nil {
		return nil, err
	}
	one := &printed{middle: text[len(`{"id":"`) : len(text)-len(`]}`)], options: make([][]byte, len(q.Options))}
	for _, o := range q.Options {
		if text, err = json.Marshal(optionAnswer{Text: o.Text}); err != nil {
			return nil, err
		}
		one.options[o.Original()] = text[len(`{"id":"`):]
	}
	return one, nil
}

// sendPaper writes an open attempt as the answer, into the memory that the server
// keeps for answers.
func (s *Server) sendPaper(k *call, status int, c *campaign.Campaign, r *quiz.Receipt) error {
	answer := k.Status(status).Response()
	body, err := s.state.prints.paper(answer.SwapBody(nil)[:0], c, r)
	if err != nil {
		return err
	}
	answer.SwapBody(body)
	answer.Header.SetContentType(jsonType)
	return nil
}

// paper appends an open attempt.
func (p *prints) paper(to []byte, c *campaign.Campaign, r *quiz.Receipt) ([]byte, error) {
	a := &r.Attempt
	to = appendText(append(to, `{"attempt":`...), r.ID)
	to = strconv.AppendInt(append(to, `,"number":`...), int64(a.Number), 10)
	to = appendText(append(to, `,"state":`...), string(a.State))
	to = appendStamp(append(to, `,"started_at":"`...), a.StartedAt, c.Zone)
	to = appendStamp(append(to, `","deadline":"`...), a.Deadline, c.Zone)
	to = appendStamp(append(to, `","server_time":"`...), r.Now, c.Zone)
	to = append(to, '"')
	if r.Standing {
		to = append(to, `,"clocks_stand":true`...)
	}
	to = append(to, `,"attempts_left_today":`...)
	if left := r.Left.Today; left != nil {
		to = strconv.AppendInt(to, int64(*left), 10)
	} else {
		to = append(to, `null`...)
	}
	to = strconv.AppendInt(append(to, `,"saved":{"revision":`...), a.Saved.Revision, 10)
	chosen := []byte(`{}`)
	if len(r.SavedAnswers) > 0 {
		var err error
		if chosen, err = json.Marshal(r.SavedAnswers); err != nil {
			return nil, err
		}
	}
	to = append(append(to, `,"chosen":`...), chosen...)
	to, err := p.questions(append(to, `},"questions":[`...), &a.Paper, r.Sheet.Questions)
	return append(to, `]}`...), err
}

// questions appends a sheet, which is laid out as its paper says.
func (p *prints) questions(to []byte, paper *quiz.Paper, sheet []quiz.SheetQuestion) ([]byte, error) {
	bank := p.of(paper.Bank)
	for i := range sheet {
		q := &sheet[i]
		one, err := bank.question(paper.Items[i].Question, q)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			to = append(to, ',')
		}
		to = append(append(append(to, `{"id":"`...), q.ID...), one.middle...)
		for n, o := range q.Options {
			if n > 0 {
				to = append(to, ',')
			}
			to = append(append(append(to, `{"id":"`...), o.ID...), one.options[o.Original()]...)
		}
		to = append(to, `]}`...)
	}
	return to, nil
}

// appendText appends a text of our own, which has nothing in it that JSON lacks.
func appendText(to []byte, text string) []byte {
	out, _ := jsontext.AppendQuote(to, text) // fails for broken UTF-8 alone, and then mends it
	return out
}
