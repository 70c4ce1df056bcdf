package simulate

// answer marks the paper: what the participant has learnt, as well as they
// remember, and the rest by chance. One question in twenty stays open.
func (p *person) answer(sheet paper) answers {
	a := answers{}
	memory := p.rng.Float64()
	for _, q := range sheet.Questions {
		if p.chance(0.05) {
			continue
		}
		// The guess is drawn in any case: what others have found out meanwhile
		// must not change the participant's further choices.
		a[q.ID] = p.choose(q)
		remembers := p.chance(memory)
		if right := p.notes.recall(q); remembers && len(right) > 0 {
			a[q.ID] = right
		}
	}
	return a
}

// choose takes one option, or for a multiple-choice question one to all.
func (p *person) choose(q question) []string {
	n := 1
	if q.Kind == "multiple" {
		n += p.rng.IntN(len(q.Options))
	}
	chosen := make([]string, n)
	for i, at := range p.rng.Perm(len(q.Options))[:n] {
		chosen[i] = q.Options[at].ID
	}
	return chosen
}

// part returns the answers to the first of so many parts of the paper: what a
// participant has marked half-way.
func part(sheet paper, a answers, done, of int) answers {
	some := answers{}
	for _, q := range sheet.Questions[:len(sheet.Questions)*done/of] {
		if chosen, ok := a[q.ID]; ok {
			some[q.ID] = chosen
		}
	}
	return some
}

// foreign returns answers with an option that is not the question's. Option ids
// belong to one question of one attempt.
func foreign(sheet paper) answers {
	return answers{sheet.Questions[0].ID: {sheet.Questions[0].Options[0].ID + "-foreign"}}
}

// other returns answers that differ from a and are as well formed.
func other(sheet paper, a answers) answers {
	if len(a) > 0 {
		return answers{}
	}
	q := sheet.Questions[0]
	return answers{q.ID: {q.Options[0].ID}}
}
