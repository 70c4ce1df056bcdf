package ledger

import (
	"context"
	"fmt"
	"testing"

	"qingyuan/internal/event"
)

// TestAReaderHoldsOnePage: however many participants there are, only one page and
// the history at hand are in memory.
func TestAReaderHoldsOnePage(t *testing.T) {
	t.Parallel()
	const rows, perPerson = 10*historyPage + 7, 3
	read, taken, pages := 0, 0, 0
	p := &pager[event.Fact]{key: factKey, head: event.Position{Epoch: 9}}
	p.read = func(_ context.Context, last key) ([]event.Fact, error) {
		if held := read - taken; held > perPerson {
			t.Errorf("page %d is read while %d facts wait", pages, held)
		}
		if pages > 0 && last.Seq != uint64(read-1) {
			t.Errorf("page %d is read after %v, want %d", pages, last, read-1)
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
		taken += len(h.Facts)
	}
	if taken != rows || pages != 11 {
		t.Errorf("%d facts in %d pages, want %d in 11", taken, pages, rows)
	}
}
