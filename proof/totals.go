package proof

// Totals count leaves by type.
type Totals map[Type]int64

// Add counts one more leaf.
func (t Totals) Add(of Type) { t[of]++ }

// Leaves is how many there are of all types.
func (t Totals) Leaves() int64 {
	var n int64
	for _, count := range t {
		n += count
	}
	return n
}

// Count is how many acts of a subject count: accepted and restored, less those that were
// invalidated or withdrawn. It is what an office may announce.
func (t Totals) Count(of Subject) int64 {
	var n int64
	for kind, count := range t {
		if kind.Subject() == of {
			n += kind.Adds() * count
		}
	}
	return n
}

// Holds tells whether t has at least as many of each type as an earlier count.
func (t Totals) Holds(earlier Totals) bool {
	for kind, count := range earlier {
		if t[kind] < count {
			return false
		}
	}
	return true
}
