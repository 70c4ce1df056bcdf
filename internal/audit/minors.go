package audit

import (
	"context"
	"encoding/json"
	"fmt"
)

// Read remembers that personal data was read, of children too (未成年人网络保护条例,
// art. 36): r says who, of what and why, rows how many persons there were and groups of
// which groups of the campaign. Call it before the data is handed out, and hand nothing
// out when it fails.
func (l *Log) Read(ctx context.Context, r Record, rows int, groups ...string) error {
	after, err := json.Marshal(struct {
		Rows   int      `json:"rows"`
		Groups []string `json:"groups,omitempty"`
	}{rows, groups})
	if err != nil {
		return fmt.Errorf("remember a reading of personal data: %w", err)
	}
	r.After = after
	return l.Append(ctx, r)
}
