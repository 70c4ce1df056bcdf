// Package catalog is what operators edit: the campaigns with their organisation
// trees, and how servers follow them.
//
// A Store keeps every version of a campaign in SQL, checks a change before it
// becomes one, and remembers in the same transaction who made it. A Keeper holds
// the current versions in memory as a Book, looks every second whether something
// changed, and swaps the whole book, so that a request sees one state of it from
// beginning to end and never waits for SQL. Besides, campaigns may lie in files,
// one folder each; those are only read.
package catalog

import (
	"cmp"
	"fmt"
	"slices"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/fault"
	"qingyuan/pledge"
	"qingyuan/prize"
	"qingyuan/quiz"
)

// Book is one state of all campaigns. It never changes.
type Book struct {
	order    []*campaign.Campaign
	byID     map[string]configs.Definition
	byPrefix map[string]string // serial prefix: campaign id
	banks    map[string]*quiz.Bank
	kept     map[string]bool // in the store
	// withdrawn are the questions that a campaign draws no more.
	withdrawn map[string]*quiz.Withdrawn
	// rulings are those in force, by campaign.
	rulings map[string][]quiz.Ruled
	awaited map[string]bool // there, and not to be served yet: see await
}

// NewBook puts definitions into a book, ordered by their opening. Two campaigns
// of one id or of one serial prefix are an error.
func NewBook(definitions []configs.Definition) (*Book, error) {
	b := &Book{
		byID: map[string]configs.Definition{}, byPrefix: map[string]string{}, banks: map[string]*quiz.Bank{},
		kept: map[string]bool{}, awaited: map[string]bool{}, withdrawn: map[string]*quiz.Withdrawn{}, rulings: map[string][]quiz.Ruled{},
	}
	for _, d := range definitions {
		if err := b.add(d); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(b.order, func(x, y *campaign.Campaign) int {
		return cmp.Or(x.OpensAt.Compare(y.OpensAt), cmp.Compare(x.ID, y.ID))
	})
	return b, nil
}

func (b *Book) add(d configs.Definition) error {
	id := d.Campaign.ID
	if _, taken := b.byID[id]; taken {
		return fmt.Errorf("campaign %s: there are two of this id", id)
	}
	if d.Pledge != nil {
		if other, taken := b.byPrefix[d.Pledge.Prefix]; taken {
			return fmt.Errorf("campaign %s: pledge.prefix %s is taken by %s", id, d.Pledge.Prefix, other)
		}
		b.byPrefix[d.Pledge.Prefix] = id
	}
	if d.Bank != nil {
		if same, ok := b.banks[d.Bank.Digest]; ok {
			d.Bank = same // campaigns that share a bank share its memory
		}
		b.banks[d.Bank.Digest] = d.Bank
	}
	b.byID[id] = d
	b.order = append(b.order, d.Campaign)
	return nil
}

// await remembers a campaign that is not in the book because its bank cannot be
// archived at the moment. Whoever asks for it is to come again: the answer that there
// is none would be final, also to those whose act was accepted before.
func (b *Book) await(d configs.Definition) {
	id := d.Campaign.ID
	b.awaited[id] = true
	if d.Pledge == nil {
		return
	}
	if _, taken := b.byPrefix[d.Pledge.Prefix]; !taken {
		b.byPrefix[d.Pledge.Prefix] = id
	}
}

// missing says why a campaign is not in the book.
func (b *Book) missing(id string) error {
	if b.awaited[id] {
		return fault.ErrUnavailable.Because(fmt.Errorf("campaign %s: its bank is not archived yet", id))
	}
	return campaign.ErrNotFound
}

// Campaigns returns all campaigns in the order of their opening. The caller must
// not change the list.
func (b *Book) Campaigns() []*campaign.Campaign { return b.order }

// Definition returns everything about a campaign.
func (b *Book) Definition(id string) (configs.Definition, bool) {
	d, ok := b.byID[id]
	return d, ok
}

// Campaign returns campaign.ErrNotFound for an unknown id, and fault.ErrUnavailable for
// one that cannot be served yet.
func (b *Book) Campaign(id string) (*campaign.Campaign, error) {
	d, ok := b.byID[id]
	if !ok {
		return nil, b.missing(id)
	}
	return d.Campaign, nil
}

// Quiz returns campaign.ErrNotFound for an unknown campaign and quiz.ErrNoQuiz
// for one without a quiz.
func (b *Book) Quiz(id string) (quiz.Offer, error) {
	d, ok := b.byID[id]
	if !ok {
		return quiz.Offer{}, b.missing(id)
	}
	if d.Quiz == nil {
		return quiz.Offer{}, quiz.ErrNoQuiz
	}
	return quiz.Offer{Campaign: d.Campaign, Rules: d.Quiz, Bank: d.Bank, Withdrawn: b.withdrawn[id], Rulings: b.rulings[id]}, nil
}

// Pledge returns campaign.ErrNotFound for an unknown campaign and
// pledge.ErrNoPledge for one without a pledge.
func (b *Book) Pledge(id string) (pledge.Offer, error) {
	d, ok := b.byID[id]
	if !ok {
		return pledge.Offer{}, b.missing(id)
	}
	if d.Pledge == nil {
		return pledge.Offer{}, pledge.ErrNoPledge
	}
	return *d.Pledge, nil
}

// Prizes returns campaign.ErrNotFound for an unknown campaign and prize.ErrNone for one
// without prizes.
func (b *Book) Prizes(id string) (prize.Offer, error) {
	d, ok := b.byID[id]
	if !ok {
		return prize.Offer{}, b.missing(id)
	}
	if d.Prizes == nil {
		return prize.Offer{}, prize.ErrNone
	}
	return prize.Offer{Campaign: d.Campaign, Plan: d.Prizes}, nil
}

// CampaignByPrefix returns the id of the campaign whose serials begin so.
func (b *Book) CampaignByPrefix(prefix string) (string, bool) {
	id, ok := b.byPrefix[prefix]
	return id, ok
}
