// Package operator knows the people who run campaigns: their accounts, how they
// sign in, and what each of them may do where.
//
// Rights are denied unless a role grants them, and every role is bound to a
// campaign and to a subtree of its organisation tree: the office of a county
// sees and changes its own county, and nothing else.
package operator

import (
	"net/netip"
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
)

// Grant binds a role to a campaign and a part of its tree.
type Grant struct {
	Role Role
	// Campaign is an id, or "" for every campaign.
	Campaign string
	// Scope is the id or the GB/T 2260 code of a region, or the id of a unit; "" is
	// everything. A code holds in the trees of all campaigns.
	Scope string
}

// Actor is a signed-in operator, or the console of the server itself.
type Actor struct {
	ID     string
	Login  string
	Name   string
	Grants []Grant
	// Session is the id of the session, by which it is listed and ended; "" of the
	// console.
	Session string
	// TwoFactor says that this session was opened with a second factor.
	TwoFactor bool
	// MustChange says that the password has to be changed before anything else.
	MustChange bool
	// Addr is where the request came from; the zero Addr is the machine itself.
	Addr netip.Addr
}

// consoleID is the id of the console. No account has it: those are ULIDs.
const consoleID = "console"

// Console is whoever may run commands on the server. It has every right, because
// it could change the files anyway; what it does is audited under this name.
func Console(name string) Actor {
	a := Actor{ID: consoleID, Login: consoleID, Name: name, TwoFactor: true}
	for _, r := range Roles() {
		a.Grants = append(a.Grants, Grant{Role: r})
	}
	return a
}

// IsConsole tells whether this is the console of the server and not a person who has
// signed in.
func (a Actor) IsConsole() bool { return a.ID == consoleID }

// Record begins what the audit log is told of an act of the actor: object names what
// was acted on ("unit:350"), campaignID is "" where none is concerned.
func (a Actor) Record(at time.Time, action Action, campaignID, object string) audit.Record {
	return audit.Record{
		At: at, Actor: a.ID, Login: a.Login, Addr: a.Addr, Action: string(action), Campaign: campaignID, Object: object,
	}
}

// MayAnywhere tells whether the actor may do the action in any campaign at all, or in
// any part of one. Whoever asks so must then show only what Within allows.
func (a Actor) MayAnywhere(action Action) bool {
	return slices.ContainsFunc(a.Grants, func(g Grant) bool { return g.Role.May(action) })
}

// May tells whether the actor may do the action somewhere in the campaign; ""
// stands for what belongs to no campaign. Where is asked by Within.
func (a Actor) May(action Action, campaignID string) bool {
	for range a.granting(action, campaignID) {
		return true
	}
	return false
}

// Within tells whether the actor may do the action at the node of the campaign's
// tree; node "" is the campaign as a whole.
func (a Actor) Within(action Action, c *campaign.Campaign, node string) bool {
	for g := range a.granting(action, c.ID) {
		if g.Scope == "" || below(c.Tree, node, g.Scope) {
			return true
		}
	}
	return false
}

// Scopes returns the nodes of the campaign's tree below which the actor may do
// the action, nil with false where there is none. The scope "" is everything.
func (a Actor) Scopes(action Action, c *campaign.Campaign) ([]string, bool) {
	var out []string
	for g := range a.granting(action, c.ID) {
		if g.Scope == "" {
			return []string{""}, true
		}
		if id, ok := locate(c.Tree, g.Scope); ok && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, len(out) > 0
}

// Part is where an act takes place that says not where: the one part of the tree in which
// the actor may do it. It is ErrForbidden where there is none, and several where they have
// to choose.
func (a Actor) Part(action Action, c *campaign.Campaign, several error) (string, error) {
	own, ok := a.Scopes(action, c)
	switch {
	case !ok:
		return "", ErrForbidden
	case len(own) > 1:
		return "", several
	}
	return own[0], nil
}

func (a Actor) granting(action Action, campaignID string) func(yield func(Grant) bool) {
	return func(yield func(Grant) bool) {
		for _, g := range a.Grants {
			if g.Role.May(action) && (g.Campaign == "" || g.Campaign == campaignID) && !yield(g) {
				return
			}
		}
	}
}

// below tells whether the node is the scope, by id or code, or below it.
func below(t *campaign.Tree, node, scope string) bool {
	id, ok := locate(t, scope)
	return ok && node != "" && t.Within(node, id)
}

// locate finds the node that a scope means.
func locate(t *campaign.Tree, scope string) (string, bool) {
	if _, ok := t.Node(scope); ok {
		return scope, true
	}
	for n := range t.Nodes {
		if n.Code == scope {
			return n.ID, true
		}
	}
	return "", false
}
