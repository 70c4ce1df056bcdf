package catalog

import (
	"context"
	"maps"
	"slices"

	"qingyuan/internal/fault"
)

// SetRosters sets how many persons belong to units, as one version: the denominators of
// every rate from then on. What a unit has already changes nothing.
func (s *Store) SetRosters(ctx context.Context, act Act, id string, sizes map[string]int64) (Outcome, error) {
	return s.plant(ctx, act, KindNodeChanged, id, func(p *planting) error {
		for _, unit := range slices.Sorted(maps.Keys(sizes)) {
			n, err := p.node(unit)
			if err != nil {
				return err
			}
			changed := *n
			if changed.Roster = sizes[unit]; changed.Roster < 0 {
				return ErrTree.WithFields(fault.Field{Name: "roster", Reason: "单位 " + unit + " 的应参与人数不能为负"})
			}
			if err := checkNode(changed); err != nil {
				return err
			}
			*n = changed
		}
		return nil
	})
}
