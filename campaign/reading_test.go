package campaign_test

import (
	"sync"
	"testing"

	"qingyuan/campaign"
)

func TestReadingOnce(t *testing.T) {
	t.Parallel()
	if campaign.ReadingOf(t.Context()) != nil {
		t.Error("a reading that nobody has begun")
	}
	r := campaign.ReadingOf(campaign.InOneReading(t.Context()))
	var all sync.WaitGroup
	asked := map[string]int{}
	for _, name := range []string{"ann", "bob", "ann", "bob", "ann"} {
		all.Go(func() {
			got := r.Once(name, func() any {
				asked[name]++ // guarded by the reading
				return name
			})
			if got != name {
				t.Errorf("%s got %v", name, got)
			}
		})
	}
	all.Wait()
	if asked["ann"] != 1 || asked["bob"] != 1 {
		t.Errorf("asked %v", asked)
	}
}
