package operator

import "slices"

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

// The actions.
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
	ShareFigures     Action = "figures.share"     // let a screen show them without anybody signed in
	ReadParticipants Action = "participants.read" // names: personal data
	MoveParticipants Action = "participants.move" // decide on a transfer between units
	ErasePersonal    Action = "personal.erase"    // retention, requests of participants
	HandleFeedback   Action = "feedback.handle"
	RecordPaper      Action = "paper.record" // paper pledges, assisted entry

	CorrectResults Action = "results.correct" // invalidate, undo, mark again, unfreeze, give attempts back
	ApproveResults Action = "results.approve" // be the second person
	ReadDuty       Action = "duty.read"       // the busiest evening
)

// rights is the one table of who may do what. What is not here is denied.
var rights = map[Role][]Action{
	System: {ManageOperators, ReadCampaigns, ReadDuty},
	CampaignOperator: {
		ReadCampaigns, EditCampaigns, EditTree, ReadRosters, EditRosters, ReadBanks, ReadFigures, AnnounceFigures, ShareFigures,
		ReadParticipants, MoveParticipants, ErasePersonal, HandleFeedback, RecordPaper, CorrectResults, ApproveResults, ReadDuty,
	},
	QuestionEditor:   {ReadCampaigns, ReadBanks, EditBanks},
	QuestionReviewer: {ReadCampaigns, ReadBanks, ReviewBanks},
	OfficeViewer:     {ReadCampaigns, ReadFigures},
	Auditor:          {ReadCampaigns, ReadAudit},
}

// deciding are the actions that ask for a second factor, each with the reason. They
// are those that change what counts, that give such rights away, that cannot be
// undone, and those that show names by the thousand.
var deciding = map[Action]string{ //nolint:exhaustive // What is not here does not decide.
	ManageOperators:  "gives every other right away",
	EditCampaigns:    "opens, pauses and closes: it decides whose acts count",
	EditTree:         "moves what counts from one region to another",
	EditRosters:      "is the denominator of every rate, and holds names",
	ReviewBanks:      "signs the answer keys that attempts are marked by",
	AnnounceFigures:  "seals the figures that are published",
	ShareFigures:     "outlasts the session and the rights of whoever does it",
	MoveParticipants: "moves counts from one unit to another",
	RecordPaper:      "adds to a published figure",
	CorrectResults:   "changes results",
	ApproveResults:   "is the second person for a change of results",
	ErasePersonal:    "cannot be undone",
	ReadRosters:      "shows names, of children too",
	ReadParticipants: "shows names, of children too",
}

// May tells whether a role grants an action.
func (r Role) May(a Action) bool { return slices.Contains(rights[r], a) }

// Actions lists what a role grants. The caller may keep it.
func (r Role) Actions() []Action { return slices.Clone(rights[r]) }

// Known tells whether there is such a role.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }

// Deciding tells whether the role can change results, or who may: it needs a second
// factor for that, and is given by two persons (ADR 14).
func (r Role) Deciding() bool { return slices.ContainsFunc(rights[r], NeedsTwoFactor) }

// Exclusive tells whether an account that has the role has no other: whoever keeps
// the accounts, or watches over all, takes no part in what is kept or watched.
func (r Role) Exclusive() bool { return r == System || r == Auditor }

// NeedsTwoFactor tells whether the action is done only in a session that was opened
// with a second factor.
func NeedsTwoFactor(a Action) bool { return deciding[a] != "" }

// Name is what the role is called, in Chinese.
func (r Role) Name() string {
	switch r {
	case System:
		return "系统管理员"
	case CampaignOperator:
		return "活动运营"
	case QuestionEditor:
		return "题目编辑"
	case QuestionReviewer:
		return "题目审核"
	case OfficeViewer:
		return "数据查看"
	case Auditor:
		return "审计员"
	}
	return string(r)
}
