package httpapi

import (
	"context"

	"qingyuan/internal/origin"
)

// Origins has the keys by which campaigns tell origins of acts apart.
type Origins interface {
	// Key answers from memory; nil where a campaign records no origins.
	Key(campaignID string) *origin.Key
}

// deviceHeader is where a client may say which device it runs on.
const deviceHeader = "X-Device-Id"

// originated returns a context in which acts are marked by where the call came from. The
// address itself goes no further.
func (s *Server) originated(k *call, campaignID string) context.Context {
	if s.Origins == nil {
		return k.ctx
	}
	key := s.Origins.Key(campaignID)
	if key == nil {
		return k.ctx
	}
	return origin.With(k.ctx, key.Mark(k.addr, origin.CleanDevice(k.Get(deviceHeader))))
}
