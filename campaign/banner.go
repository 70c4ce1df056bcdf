package campaign

import "time"

// BannerLevel says how a banner is meant.
type BannerLevel string

// The levels.
const (
	BannerInfo    BannerLevel = "info"
	BannerWarning BannerLevel = "warning"
)

// Banner is a short plain text that everybody who looks is shown: [From, Until). The
// zero From is at once, the zero Until until it is taken down.
type Banner struct {
	Text  Text        `json:"text"`
	Level BannerLevel `json:"level"`
	From  time.Time   `json:"from,omitzero"`
	Until time.Time   `json:"until,omitzero"`
}

// BannerAt returns what is to be shown at now, or nil.
func (c *Campaign) BannerAt(now time.Time) *Banner {
	b := c.Banner
	if b == nil || now.Before(b.From) || !b.Until.IsZero() && !now.Before(b.Until) {
		return nil
	}
	return b
}
