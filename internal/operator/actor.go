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

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

// Role is what somebody is there for. Whoever keeps the accounts changes no
// result, and whoever reads the audit log changes nothing at all (GB/T 22239,
// 8.1.4: separate administrators for system, security and audit).
type Role string

// The roles.
const (
	System           Role = "system"
	CampaignOperator Role = "campaign_operator"
	QuestionEditor   Role = "question_editor"
	QuestionReviewer Role = "question_reviewer"
	OfficeViewer     Role = "office_viewer"
	Auditor          Role = "auditor"
)

// Roles lists every role in the order to show them in.
func Roles() []Role {
	return []Role{System, CampaignOperator, QuestionEditor, QuestionReviewer, OfficeViewer, Auditor}
}

// Action is something that a route or a command does. Its name is in the audit
// log.
type Action string

// The actions. Those of Results change what counts: they ask for two factors and,
// where they say so, for a second person.
const (
	ManageOperators Action = "operators.manage"
	ReadAudit       Action = "audit.read"

	ReadCampaigns Action = "campaigns.read"
	EditCampaigns Action = "campaigns.edit" // prepare, open, pause, close, archive, banner
	EditTree      Action = "tree.edit"
	ReadRosters   Action = "rosters.read" // names: personal data
	EditRosters   Action = "rosters.edit"

	ReadBanks   Action = "banks.read"
	EditBanks   Action = "banks.edit"
	ReviewBanks Action = "banks.review"

	ReadFigures      Action = "figures.read"      // counts, rates, boards, statistics of questions
	AnnounceFigures  Action = "figures.announce"  // seal the figures as of an instant
	ReadParticipants Action = "participants.read" // names: personal data
	MoveParticipants Action = "participants.move" // decide on a transfer between units
	ErasePersonal    Action = "personal.erase"    // retention, requests of participants
	HandleFeedback   Action = "feedback.handle"
	RecordPaper      Action = "paper.record" // paper pledges, assisted entry

	CorrectResults Action = "results.correct" // invalidate, undo, mark again, unfreeze, give attempts back
	ApproveResults Action = "results.approve" // be the second person
	ReadDuty       Action = "duty.read"       // the busiest evening
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
	// TwoFactor says that this session was opened with a second factor.
	TwoFactor bool
	// Addr is where the request came from; the zero Addr is the machine itself.
	Addr netip.Addr
}

// Console is whoever may run commands on the server. It has every right, because
// it could change the files anyway; what it does is audited under this name.
func Console(name string) Actor {
	a := Actor{ID: "console", Login: "console", Name: name, TwoFactor: true}
	for _, r := range Roles() {
		a.Grants = append(a.Grants, Grant{Role: r})
	}
	return a
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

func (a Actor) granting(action Action, campaignID string) func(yield func(Grant) bool) {
	return func(yield func(Grant) bool) {
		for _, g := range a.Grants {
			if slices.Contains(rights[g.Role], action) && (g.Campaign == "" || g.Campaign == campaignID) && !yield(g) {
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

// rights is the one table of who may do what.
//
//nolint:gochecknoglobals // A constant in everything but the language.
var rights = map[Role][]Action{
	System: {ManageOperators, ReadCampaigns, ReadDuty},
	CampaignOperator: {
		ReadCampaigns, EditCampaigns, EditTree, ReadRosters, EditRosters, ReadBanks, ReadFigures, AnnounceFigures,
		ReadParticipants, MoveParticipants, ErasePersonal, HandleFeedback, RecordPaper, CorrectResults, ApproveResults, ReadDuty,
	},
	QuestionEditor:   {ReadCampaigns, ReadBanks, EditBanks},
	QuestionReviewer: {ReadCampaigns, ReadBanks, ReviewBanks},
	OfficeViewer:     {ReadCampaigns, ReadFigures},
	Auditor:          {ReadCampaigns, ReadAudit},
}

// Errors of rights. The text never says what is there for others to see.
var (
	ErrSignIn = fault.New(fault.Unauthenticated, "operator.sign_in", "请登录管理后台")
	// ErrForbidden is an action that none of the operator's roles grants.
	ErrForbidden = fault.New(fault.Forbidden, "operator.forbidden", "您没有进行此操作的权限")
	// ErrTwoFactor asks for a second factor before results may be changed.
	ErrTwoFactor = fault.New(fault.Forbidden, "operator.two_factor", "此操作需要使用动态口令登录后进行")
)
