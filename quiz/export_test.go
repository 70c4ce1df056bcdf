package quiz

// Keep lets a benchmark fill what a server remembers.
func Keep(p *Papers, of Person, a *Attempt) { p.keep(of, a) }

// DrawOf draws a paper as a start does, by what a server remembers.
func DrawOf(p *Pools, o *Offer, audience, day string, seed uint64) (Paper, error) {
	return p.of(o, audience, day).Draw(seed)
}
