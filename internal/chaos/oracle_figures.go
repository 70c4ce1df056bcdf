//go:build chaos

package chaos

// figures adds up what was acknowledged, in all and by the region of each unit.
func (r *Reading) figures(region map[string]string) (figures, map[string]figures) {
	all, parts := figures{Passed: new(int)}, map[string]figures{}
	for _, h := range r.People {
		one := h.figures()
		all = all.plus(one)
		if unit := h.unit(); unit != "" {
			part, ok := parts[region[unit]]
			if !ok {
				part.Passed = new(int)
			}
			parts[region[unit]] = part.plus(one)
		}
	}
	return all, parts
}

// plus adds the figures of one person.
func (f figures) plus(one figures) figures {
	passed := *f.Passed + *one.Passed
	return figures{
		Enrolled: f.Enrolled + one.Enrolled, Participants: f.Participants + one.Participants,
		Attempts: f.Attempts + one.Attempts, Signatures: f.Signatures + one.Signatures, Passed: &passed,
	}
}

// figures is what one person adds to the counts.
func (h *Human) figures() figures {
	f := figures{Passed: new(int)}
	for _, a := range h.Acts {
		if !a.Acknowledged {
			continue
		}
		switch a.Kind {
		case actEnrol:
			f.Enrolled = 1
		case actSubmit:
			f.Attempts++
			f.Participants = 1
			if a.Passed {
				*f.Passed = 1
			}
		case actSign:
			f.Signatures++
			f.Participants = 1
		}
	}
	return f
}

// unit is where the person has enrolled.
func (h *Human) unit() string {
	for _, a := range h.Acts {
		if a.Kind == actEnrol && a.Acknowledged {
			return a.Unit
		}
	}
	return ""
}

// ranked counts the persons with a score and finds the best one.
func (r *Reading) ranked() (people, top int) {
	for _, h := range r.People {
		scored := false
		for _, a := range h.Acts {
			if a.Kind == actSubmit && a.Acknowledged {
				scored = true
				top = max(top, a.Score)
			}
		}
		if scored {
			people++
		}
	}
	return people, top
}

// Accepted counts the acknowledged acts of a kind.
func (r *Reading) Accepted(kind string) int {
	n := 0
	for _, h := range r.People {
		for _, a := range h.Acts {
			if a.Kind == kind && a.Acknowledged {
				n++
			}
		}
	}
	return n
}
