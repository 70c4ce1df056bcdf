package operator

// seenAtOnce is how many rows are read at a time of a list of which an operator sees a
// part.
const seenAtOnce = 500

// Seen returns at most limit rows of a list that goes down by id, of those that lie behind
// an id ("" for all) and that sees lets an operator see. read reads at most so many rows
// behind an id.
func Seen[T any](before string, limit int, read func(before string, rows int) ([]T, error), id func(T) string, sees func(T) bool) ([]T, error) {
	if before == "" {
		before = "~" // behind every id
	}
	out := []T{}
	for {
		page, err := read(before, seenAtOnce)
		if err != nil {
			return nil, err
		}
		for _, row := range page {
			before = id(row)
			if !sees(row) {
				continue
			}
			if out = append(out, row); len(out) == limit {
				return out, nil
			}
		}
		if len(page) < seenAtOnce {
			return out, nil
		}
	}
}

// SeenFrom is Seen of a list that is read by offset. offset counts what the operator sees.
func SeenFrom[T any](offset, limit int64, read func(offset, rows int64) ([]T, error), sees func(T) bool) ([]T, error) {
	var out []T
	for from := int64(0); int64(len(out)) < limit; from += seenAtOnce {
		page, err := read(from, seenAtOnce)
		if err != nil {
			return nil, err
		}
		for _, row := range page {
			if !sees(row) {
				continue
			}
			if offset--; offset < 0 && int64(len(out)) < limit {
				out = append(out, row)
			}
		}
		if len(page) < seenAtOnce {
			break
		}
	}
	return out, nil
}
