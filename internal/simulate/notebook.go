package simulate

import (
	"slices"
	"sync"
)

// notebook is what participants learn from each other's reviews, where the
// campaign shows them: nobody has the keys, and by chance alone hardly anybody
// would pass. Ids differ in every attempt, so that it is kept in texts.
type notebook struct {
	mu    sync.RWMutex
	right map[string][]string // the texts of the right options by stem
}

func newNotebook() *notebook { return &notebook{right: map[string][]string{}} }

// learn takes down what a review of the sheet tells.
func (n *notebook) learn(sheet paper, review []reviewed) {
	for _, item := range review {
		q, ok := sheet.question(item.ID)
		if !ok || n.knows(q.Stem) {
			continue
		}
		var texts []string
		for _, o := range q.Options {
			if slices.Contains(item.Right, o.ID) {
				texts = append(texts, o.Text)
			}
		}
		n.mu.Lock()
		n.right[q.Stem] = texts
		n.mu.Unlock()
	}
}

func (n *notebook) knows(stem string) bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	_, ok := n.right[stem]
	return ok
}

// recall returns the right options of a question by the ids of its attempt, or
// nil where nobody has met it yet.
func (n *notebook) recall(q question) []string {
	n.mu.RLock()
	texts := n.right[q.Stem]
	n.mu.RUnlock()
	var ids []string
	for _, o := range q.Options {
		if slices.Contains(texts, o.Text) {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

// checkReview compares the review with what was handed in: the server must have
// marked these answers and no others, and counted them right.
func (p *person) checkReview(r receipt, a answers) {
	correct := 0
	for _, item := range r.Review {
		if !sameSet(item.Chosen, a[item.ID]) {
			p.wrong("the review shows other answers than were handed in")
			return
		}
		if sameSet(item.Right, a[item.ID]) {
			correct++
		}
	}
	if len(r.Review) != *r.Questions || correct != *r.Correct {
		p.wrong("the review has %d questions with %d right, the receipt %d with %d",
			len(r.Review), correct, *r.Questions, *r.Correct)
	}
}

// sameSet compares without regard to order.
func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, v := range a {
		if !slices.Contains(b, v) {
			return false
		}
	}
	return true
}
