package quiz

// Keep lets a benchmark fill what a server remembers.
func Keep(p *Papers, of Person, a *Attempt) { p.keep(of, a) }
