package redisstore

import (
	"context"
	"fmt"
)

// Acted tells whether a participant has ever started an attempt or signed in a
// campaign, whether or not that still counts.
func (c *Campaigns) Acted(ctx context.Context, id, participant string) (bool, error) {
	o, err := c.of(id)
	if err != nil {
		return false, err
	}
	f, err := c.person(ctx, o, participant, "l", "s")
	if err != nil {
		return false, fmt.Errorf("look what a participant has done in %s: %w", id, err)
	}
	return f[0] != "" || f[1] != "", nil
}
