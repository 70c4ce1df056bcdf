package ledger

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"qingyuan/internal/event"
)

// TestAReaderHoldsTwoPages: however many participants there are, only the page in
// use, the one that is read ahead and the history at hand are in memory.
func TestAReaderHoldsTwoPages(t *testing.T) {
	t.Parallel()
	const rows, perPerson = 10*historyPage + 7, 3
	read, pages := 0, 0
	var taken atomic.Int64 // pages are read beside whoever takes them
	p := &pager[event.Fact]{key: factKey, head: event.Position{Epoch: 9}}
	p.read = func(context.Context) ([]event.Fact, error) {
		if held := read - int(taken.Load()); held > historyPage+perPerson {
			t.Errorf("page %d is read while %d facts wait", pages, held)
		}
		pages++
		page := make([]event.Fact, min(historyPage, rows-read))
		for i := range page {
			page[i] = event.Fact{
				Participant: fmt.Sprintf("p%06d", (read+i)/perPerson),
				Position:    event.Position{Epoch: 1, Seq: uint64(read + i)},
			}
		}
		read += len(page)
		return page, nil
	}
	m := merge{facts: p, records: &pager[event.Record]{key: recordKey, done: true}}
	for {
		h, ok, err := m.next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		taken.Add(int64(len(h.Facts)))
	}
	if taken.Load() != rows || pages != 11 {
		t.Errorf("%d facts in %d pages, want %d in 11", taken.Load(), pages, rows)
	}
}
