package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/sqldb"
	"qingyuan/pledge"
	"qingyuan/prize"
	"qingyuan/quiz"
)

// Archive keeps every version of a bank that papers were ever drawn from, so
// that an attempt can be shown and marked again whatever became of the bank.
type Archive interface {
	// PutBank keeps the bank under its digest. It may be repeated.
	PutBank(ctx context.Context, b *quiz.Bank) error
	// Bank returns the version with the given digest.
	Bank(ctx context.Context, digest string) (*quiz.Bank, error)
}

// Options are what a Keeper is made of.
type Options struct {
	// Store is what operators edit, in SQL; nil where only files are read.
	Store *Store
	// Dir has campaigns of those who keep them in files: one folder each, named by
	// its id, with campaign.yaml in it. It need not exist. It is only read.
	Dir string
	// Fixed are campaigns that lie in neither: the demonstration.
	Fixed []configs.Definition
	// Archive may be nil where nothing is drawn.
	Archive Archive
	// Log is told what was loaded and what was refused; nil for nobody.
	Log *slog.Logger
	Now func() time.Time
	// Every is how often Run looks for changes; a second by default.
	Every time.Duration
}

// Problem is one campaign that could not be taken in as its file says.
type Problem struct {
	// Campaign is the name of its folder.
	Campaign string
	Err      error
}

// Keeper keeps the current book. All methods may be called at any time.
type Keeper struct {
	opts     Options
	book     atomic.Pointer[Book]
	problems atomic.Pointer[[]Problem]
	old      *lru.Cache[string, *quiz.Bank]
	flight   singleflight.Group

	reloading sync.Mutex                    // guards what follows
	seen      string                        // the state of Dir that the book was made from; "" to look again
	head      int64                         // the change of the store that the book was made from
	stored    map[string]configs.Definition // what of the book came from the store
	contested contested
	archived  map[string]bool
}

// The catalogs of the domains.
var (
	_ campaign.Catalog = (*Keeper)(nil)
	_ quiz.Catalog     = (*Keeper)(nil)
	_ pledge.Catalog   = (*Keeper)(nil)
)

// maxOldBanks bounds the bank versions kept in memory that no campaign draws
// from any more; each takes about a megabyte.
const maxOldBanks = 32

// Open reads all campaigns. A faulty one is not an error: it is missing in the
// book and among the Problems, so that it takes no other campaign down.
func Open(ctx context.Context, o Options) (*Keeper, error) {
	if o.Every == 0 {
		o.Every = time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	old, err := lru.New[string, *quiz.Bank](maxOldBanks)
	if err != nil {
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	empty, err := NewBook(nil)
	if err != nil {
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	k := &Keeper{opts: o, old: old, archived: map[string]bool{}}
	k.book.Store(empty)
	k.problems.Store(new([]Problem))
	if err := k.Reload(ctx); err != nil {
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	return k, nil
}

// Run takes up changes until ctx ends. It returns nil then.
func (k *Keeper) Run(ctx context.Context) error {
	tick := time.NewTicker(k.opts.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := k.Reload(ctx); err != nil && ctx.Err() == nil {
			k.opts.Log.ErrorContext(ctx, "campaigns not re-read", "dir", k.opts.Dir, "err", err)
		}
	}
}

// Book returns the current state. What is asked of one book agrees with itself.
func (k *Keeper) Book() *Book { return k.book.Load() }

// Store returns the catalog in SQL, nil where there is none.
func (k *Keeper) Store() *Store { return k.opts.Store }

// Elsewhere returns the campaigns that do not lie in the store: the demonstration,
// and those in files.
func (k *Keeper) Elsewhere() []configs.Definition {
	b := k.Book()
	var out []configs.Definition
	for _, c := range b.order {
		if d := b.byID[c.ID]; !b.kept[c.ID] {
			out = append(out, d)
		}
	}
	return out
}

// Awaited lists the campaigns that cannot be served yet because their banks could not
// be archived, sorted. They are answered fault.ErrUnavailable, and tried every second.
func (k *Keeper) Awaited() []string { return slices.Sorted(maps.Keys(k.Book().awaited)) }

// Problems returns what readiness should warn of.
func (k *Keeper) Problems() []Problem { return *k.problems.Load() }

// Campaigns returns all campaigns in the order of their opening.
func (k *Keeper) Campaigns() []*campaign.Campaign { return k.Book().Campaigns() }

// Campaign implements campaign.Catalog.
func (k *Keeper) Campaign(id string) (*campaign.Campaign, error) { return k.Book().Campaign(id) }

// Quiz implements quiz.Catalog.
func (k *Keeper) Quiz(id string) (quiz.Offer, error) { return k.Book().Quiz(id) }

// Pledge implements pledge.Catalog.
func (k *Keeper) Pledge(id string) (pledge.Offer, error) { return k.Book().Pledge(id) }

// Prizes implements prize.Catalog.
func (k *Keeper) Prizes(id string) (prize.Offer, error) { return k.Book().Prizes(id) }

// CampaignByPrefix implements pledge.Catalog.
func (k *Keeper) CampaignByPrefix(prefix string) (string, bool) {
	return k.Book().CampaignByPrefix(prefix)
}

// Reload takes up what changed in the store and in the folder. It does nothing when
// nothing did, unless something is left from the last time. While the store does
// not answer its campaigns go on as they are, and the error says so.
func (k *Keeper) Reload(ctx context.Context) error {
	k.reloading.Lock()
	defer k.reloading.Unlock()
	state, err := fingerprint(k.opts.Dir)
	if err != nil {
		return err
	}
	head, away := k.headOf(ctx)
	if k.seen != "" && state == k.seen && head == k.head {
		return away
	}
	files, err := scan(k.opts.Dir)
	if err != nil {
		return errors.Join(err, away)
	}
	r := reload{Keeper: k, old: k.Book(), stored: k.stored, contested: k.contested}
	if away == nil {
		if err := r.fetch(ctx); err != nil {
			away, head = err, k.head
		}
	}
	r.run(ctx, files)
	next, err := NewBook(r.accepted)
	if err != nil {
		return err
	}
	for id := range r.stored {
		next.kept[id] = true
	}
	for _, d := range r.awaited {
		next.await(d)
	}
	next.contest(r.contested)
	k.swap(ctx, next)
	k.tell(ctx, r.problems)
	k.seen, k.head, k.stored, k.contested = state, head, r.stored, r.contested
	if r.again || away != nil {
		k.seen = ""
	}
	return away
}

// headOf asks the store whether it changed. Where it does not answer, nothing has.
func (k *Keeper) headOf(ctx context.Context) (int64, error) {
	if k.opts.Store == nil {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	head, err := k.opts.Store.Head(ctx)
	if err != nil {
		return k.head, err
	}
	return head, nil
}

// swap puts next in place. Banks that leave the book stay at hand: attempts
// that are open now were drawn from them.
func (k *Keeper) swap(ctx context.Context, next *Book) {
	last := k.book.Swap(next)
	for digest, b := range last.banks {
		if next.banks[digest] == nil {
			k.old.Add(digest, b)
		}
	}
	for id, d := range next.byID {
		if before, known := last.byID[id]; !known || before.Digest != d.Digest {
			k.opts.Log.InfoContext(ctx, "campaign loaded", "campaign", id, "version", d.Digest, "known", known)
		}
	}
}

// tell publishes the problems and logs those that are new.
func (k *Keeper) tell(ctx context.Context, problems []Problem) {
	told := map[string]bool{}
	for _, p := range k.Problems() {
		told[p.Campaign+p.Err.Error()] = true
	}
	for _, p := range problems {
		if !told[p.Campaign+p.Err.Error()] {
			k.opts.Log.WarnContext(ctx, "campaign refused", "campaign", p.Campaign, "err", p.Err)
		}
	}
	k.problems.Store(&problems)
}

// reload is one reading of all campaigns.
type reload struct {
	*Keeper

	old       *Book
	stored    map[string]configs.Definition
	contested contested
	faulty    []Problem // of what the store holds
	accepted  []configs.Definition
	prefixes  map[string]string
	problems  []Problem
	awaited   []configs.Definition // not accepted only because their bank is not archived
	// again is set when trying once more may help although no file changes.
	again bool
}

// fetch reads from the store what the public may see. A version that this program
// does not understand, because a newer one wrote it, leaves the campaign as it is.
func (r *reload) fetch(ctx context.Context) error {
	if r.opts.Store == nil {
		return nil
	}
	list, err := r.opts.Store.Entries(ctx)
	if err != nil {
		return err
	}
	now := make(map[string]configs.Definition, len(list))
	for _, e := range list {
		if e.Stage == Draft {
			continue
		}
		d, err := r.opts.Store.Definition(ctx, e)
		if err != nil {
			if sqldb.IsUnavailable(err) || ctx.Err() != nil {
				return err
			}
			r.faulty = append(r.faulty, Problem{Campaign: e.Campaign, Err: err})
			var known bool
			if d, known = r.stored[e.Campaign]; !known {
				continue
			}
		}
		now[e.Campaign] = d
	}
	decided, err := r.opts.Store.contested(ctx)
	if err != nil {
		return err
	}
	r.stored, r.contested = now, decided
	return nil
}

// run accepts what the store and the files say, and the old state of whatever is
// faulty or gone. What runs already comes first, so that a new campaign can take
// neither id nor prefix from it.
func (r *reload) run(ctx context.Context, files []file) {
	r.prefixes = map[string]string{}
	for _, d := range r.opts.Fixed {
		r.accept(ctx, d.Campaign.ID, d, nil)
	}
	seen := map[string]bool{}
	r.problems = append(r.problems, r.faulty...)
	for _, id := range slices.Sorted(maps.Keys(r.stored)) {
		seen[id] = true
		r.take(ctx, id, r.stored[id])
	}
	slices.SortStableFunc(files, func(a, b file) int { return rank(r.knows(a.id)) - rank(r.knows(b.id)) })
	for _, f := range files {
		if seen[f.id] {
			r.problems = append(r.problems, Problem{Campaign: f.id, Err: errTakenOver})
			continue
		}
		seen[f.id] = true
		d, err := f.load()
		r.accept(ctx, f.id, d, err)
	}
	for _, id := range slices.Sorted(maps.Keys(r.old.byID)) {
		if !seen[id] && !r.fixed(id) {
			r.accept(ctx, id, configs.Definition{}, errors.New("its files are gone; it goes on until the server is started anew"))
		}
	}
}

// errTakenOver is a campaign in a folder that operators have put into the store.
var errTakenOver = errors.New("it is kept in the catalog; its files are not read any more and should be removed")

// take accepts a campaign of the store. What changed was checked when it was edited,
// and is the same on every server.
func (r *reload) take(ctx context.Context, id string, d configs.Definition) {
	old, known := r.old.byID[id]
	if known && old.Digest == d.Digest {
		d = old // the same pointers, for whoever caches by them
	}
	err := r.keep(ctx, d.Bank)
	if d.Pledge != nil && err == nil {
		if other, taken := r.prefixes[d.Pledge.Prefix]; taken {
			err = fmt.Errorf("pledge.prefix %s is taken by %s", d.Pledge.Prefix, other)
		}
	}
	if r.fixed(id) && err == nil {
		err = errors.New("the id belongs to the demonstration")
	}
	if err != nil {
		r.problems = append(r.problems, Problem{Campaign: id, Err: err})
		if !known || r.fixed(id) {
			r.await(d, err)
			return
		}
		d = old
	}
	if d.Pledge != nil {
		r.prefixes[d.Pledge.Prefix] = id
	}
	r.accepted = append(r.accepted, d)
}

func rank(known bool) int {
	if known {
		return 0
	}
	return 1
}

func (r *reload) knows(id string) bool { _, ok := r.old.byID[id]; return ok }

func (r *reload) fixed(id string) bool {
	return slices.ContainsFunc(r.opts.Fixed, func(d configs.Definition) bool { return d.Campaign.ID == id })
}

// accept takes d in, or tells why not and takes the old state of the campaign.
func (r *reload) accept(ctx context.Context, id string, d configs.Definition, err error) {
	old, known := r.old.byID[id]
	if err == nil {
		err = r.check(ctx, id, d)
	}
	if err == nil && known && old.Digest == d.Digest {
		d = old // the same pointers, for whoever caches by them
	}
	if err != nil {
		r.problems = append(r.problems, Problem{Campaign: id, Err: err})
		if !known || slices.ContainsFunc(r.accepted, func(a configs.Definition) bool { return a.Campaign.ID == id }) {
			r.await(d, err)
			return
		}
		d = old
	}
	if d.Pledge != nil {
		r.prefixes[d.Pledge.Prefix] = id
	}
	r.accepted = append(r.accepted, d)
}

// check finds what speaks against a definition that is faultless by itself.
func (r *reload) check(ctx context.Context, id string, d configs.Definition) error {
	if d.Campaign.ID != id {
		return fmt.Errorf("id is %s, but the folder is %s", d.Campaign.ID, id)
	}
	if slices.ContainsFunc(r.accepted, func(a configs.Definition) bool { return a.Campaign.ID == id }) {
		return errors.New("the id belongs to the demonstration")
	}
	if d.Pledge != nil {
		if other, taken := r.prefixes[d.Pledge.Prefix]; taken {
			return fmt.Errorf("pledge.prefix %s is taken by %s", d.Pledge.Prefix, other)
		}
	}
	if old, known := r.old.byID[id]; known && old.Digest != d.Digest {
		if err := CheckChange(old, d, r.opts.Now()); err != nil {
			return err
		}
	}
	return r.keep(ctx, d.Bank)
}

// errNotArchived is a bank that could not be archived. It begins the text of the error.
var errNotArchived = errors.New("archive bank")

// await remembers a campaign against which nothing speaks but its bank.
func (r *reload) await(d configs.Definition, err error) {
	if errors.Is(err, errNotArchived) {
		r.awaited = append(r.awaited, d)
	}
}

// keep puts the bank into the archive before the first paper is drawn from it.
func (r *reload) keep(ctx context.Context, b *quiz.Bank) error {
	if b == nil || r.opts.Archive == nil || r.archived[b.Digest] {
		return nil
	}
	if err := r.opts.Archive.PutBank(ctx, b); err != nil {
		r.again = true
		return fmt.Errorf("%w %s: %w", errNotArchived, b.Digest, err)
	}
	r.archived[b.Digest] = true
	return nil
}
