package httpapi

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/token"
)

// viewerRoutes give offices tokens for screens that stand where nobody is signed in.
func (s *Server) viewerRoutes() []route {
	const tokens = officePath + "/campaigns/:campaign/viewer-tokens"
	return []route{
		admin(get(tokens, staff, s.listViewers), operator.ShareFigures),
		admin(post(tokens, staff, s.giveViewer), operator.ShareFigures),
	}
}

// givenViewer is what the audit log keeps of a token, and never the token itself.
type givenViewer struct {
	Scope     string    `json:"scope"`
	ExpiresAt time.Time `json:"expires_at"`
}

type viewerT struct {
	Scope     *string `json:"scope"`
	ScopeName *string `json:"scope_name"`
	Login     string  `json:"login"`
	MadeAt    string  `json:"made_at"`
	ExpiresAt string  `json:"expires_at"`
	Reason    string  `json:"reason"`
}

type madeViewerT struct {
	viewerT

	Token string `json:"token"`
}

// giveViewer handles POST …/viewer-tokens. The token is shown this once and cannot be
// called back: that it was given is in the audit log before it is handed out.
func (s *Server) giveViewer(k *call) error {
	var in struct {
		Scope  string `json:"scope"`
		Hours  int    `json:"hours"`
		Reason string `json:"reason"`
	}
	if err := k.decodeWhy(&in, &in.Reason, true); err != nil {
		return err
	}
	lifetime := time.Duration(in.Hours) * time.Hour
	if in.Hours < 1 || lifetime > token.MaxViewer {
		return fault.InvalidField("hours", fmt.Sprintf("应为 1 至 %d", token.MaxViewer/time.Hour))
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	if err := k.within(operator.ShareFigures, c, in.Scope); err != nil {
		return err
	}
	if _, ok := c.Tree.Node(in.Scope); in.Scope != "" && !ok {
		return fault.InvalidField("scope", "没有这个地区或单位")
	}
	raw, err := s.ScreenTickets.SignViewer(c.ID, in.Scope, lifetime)
	if err != nil {
		return err
	}
	r := s.record(k, operator.ShareFigures, c.ID, "node:"+in.Scope)
	r.Reason = in.Reason
	given := givenViewer{in.Scope, r.At.Add(lifetime)}
	if r.After, err = json.Marshal(given); err != nil {
		return fmt.Errorf("note a viewer token: %w", err)
	}
	if err := s.Journal.Append(k.ctx, r); err != nil {
		return err
	}
	return k.send(fiber.StatusCreated, madeViewerT{viewerOf(c, r, given, k.lang()), raw})
}

// listViewers handles GET …/viewer-tokens: those that still run, of the operator's part,
// the newest first.
func (s *Server) listViewers(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	out := list[viewerT]{Items: []viewerT{}}
	now := s.Now()
	f := audit.Filter{Campaign: c.ID, Action: string(operator.ShareFigures), From: now.Add(-token.MaxViewer)}
	err = s.Journal.Back(k.ctx, f, 0, func(e audit.Entry) (bool, error) {
		var given givenViewer
		if err := json.Unmarshal(e.After, &given); err != nil {
			return false, fmt.Errorf("read entry %d of the audit log: %w", e.Seq, err)
		}
		if given.ExpiresAt.After(now) && k.actor.Within(operator.ShareFigures, c, given.Scope) {
			out.Items = append(out.Items, viewerOf(c, e.Record, given, k.lang()))
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, out)
}

func viewerOf(c *campaign.Campaign, r audit.Record, given givenViewer, lang string) viewerT {
	out := viewerT{Login: r.Login, MadeAt: stamp(r.At, c.Zone), ExpiresAt: stamp(given.ExpiresAt, c.Zone), Reason: r.Reason}
	if given.Scope == "" {
		return out
	}
	out.Scope, out.ScopeName = &given.Scope, new(given.Scope)
	if n, ok := c.Tree.Node(given.Scope); ok {
		out.ScopeName = new(n.Name.In(lang))
	}
	return out
}
