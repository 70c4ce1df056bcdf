package replay

import (
	"iter"

	"qingyuan/internal/ledger"
)

// inBatches hands histories on, so many at a time.
func inBatches(all iter.Seq2[ledger.History, error], size int, take func([]ledger.History) error) error {
	var batch []ledger.History
	for h, err := range all {
		if err != nil {
			return err
		}
		if batch = append(batch, h); len(batch) < size {
			continue
		}
		if err := take(batch); err != nil {
			return err
		}
		batch = nil
	}
	if len(batch) == 0 {
		return nil
	}
	return take(batch)
}

// progress tells how many facts are done. It is not safe for concurrent
// use.
type progress struct {
	done, total int64
	tell        func(done, total int64)
}

func (p *progress) add(n int64) {
	p.done += n
	if p.tell != nil {
		p.tell(p.done, max(p.total, p.done))
	}
}
