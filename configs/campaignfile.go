package configs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"time"

	"qingyuan/campaign"
	"qingyuan/pledge"
	"qingyuan/prize"
	"qingyuan/quiz"
)

// Definition is a campaign as its file describes it, complete and checked.
type Definition struct {
	Campaign *campaign.Campaign
	// Quiz and Bank are nil for a campaign without a quiz, Pledge for one
	// without a pledge; at least one of the two is there.
	Quiz   *quiz.Rules
	Bank   *quiz.Bank
	Pledge *pledge.Offer
	// Prizes is nil for a campaign without prizes.
	Prizes *prize.Plan
	// Digest names this version of the file and its bank.
	Digest string
}

// Zone returns where the days of every campaign begin and end: all of China
// keeps Beijing time, without summer time since 1992. It is built in, so that a
// server without a time zone database counts the same days.
func Zone() *time.Location { return time.FixedZone("Asia/Shanghai", 8*60*60) }

// LoadDefinition reads the campaign file called name and the bank it refers to.
// The error has every fault of all files, each with file, line and key.
// docs/CONFIGURATION.md describes the fields; configs/demo has complete files.
func LoadDefinition(fsys fs.FS, name string) (Definition, error) {
	return newLoader(fsys).definition(name, time.Time{})
}

// loader reads one campaign and keeps a report for each file it consists of.
type loader struct {
	fsys    fs.FS
	show    func(file string) string // how messages call a file
	reports []*report
	// bankRef is the reference to the bank in the campaign file.
	bankRef value
	// parts are what does not come from files; see Assemble.
	parts *Parts
	// treeless says that the file may leave the tree out.
	treeless bool
	// kept finds banks that lie in no file; nil where there are none. apart is set where
	// the campaign refers to one.
	kept  KeptBanks
	apart bool
}

func newLoader(fsys fs.FS) *loader {
	return &loader{fsys: fsys, show: func(file string) string { return file }}
}

func (l *loader) report(file string) *report {
	r := &report{file: l.show(file)}
	l.reports = append(l.reports, r)
	return r
}

// parse reads one file into a report of its own.
func (l *loader) parse(file string, raw []byte) value {
	doc, rep := parseYAML(l.show(file), raw)
	l.reports = append(l.reports, rep)
	return doc
}

func (l *loader) err() error {
	var errs []error
	for _, r := range l.reports {
		errs = append(errs, r.err())
	}
	return errors.Join(errs...)
}

// definition reads the campaign. With open set, it will be open from that day on
// without an end, whatever its window.
func (l *loader) definition(name string, open time.Time) (Definition, error) {
	raw, err := fs.ReadFile(l.fsys, name)
	if err != nil {
		return Definition{}, fmt.Errorf("read campaign: %w", err)
	}
	doc := l.parse(name, raw)
	if doc.absent() && len(doc.faults) == 0 {
		doc.bad("holds no campaign")
	}
	r := campaignReader{loader: l, dir: path.Dir(name)}
	d := r.read(doc)
	d.Campaign.AlwaysOpen = !open.IsZero()
	r.cross(d, open)
	if err := l.err(); err != nil {
		return Definition{}, err
	}
	sum := sha256.New()
	sum.Write(raw)
	if d.Bank != nil {
		sum.Write([]byte(d.Bank.Digest))
	}
	d.Digest = hex.EncodeToString(sum.Sum(nil)[:8])
	return d, nil
}

// campaignReader turns the values of a file into a definition, and keeps those
// that the cross-checks need a line of.
type campaignReader struct {
	*loader

	dir                          string
	window, fields, shards, quiz value
	policy, freeze, unfreeze     value
	strata, groups, phases       []value
	tree                         treeReader
	prizes                       prizeReader
}

// The forms of the names in a campaign.
var (
	campaignID   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,39}$`)
	versionForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)
	serialPrefix = regexp.MustCompile(`^[A-Z0-9]{2,8}$`)
)

const (
	versionHint = "want letters, digits, dots and hyphens, at most 32"
	maxTopN     = 10_000
	maxShards   = 64
)

func (r *campaignReader) read(doc value) Definition {
	o := doc.object("id", "title", "opens_at", "closes_at", "paused", "groups", "enrolment_fields", "consent_notice", "retention",
		"ranking_mode", "top_n", "tiers", "phases", "combined_boards", "freeze_at", "unfreeze_at", "composite",
		"public_breakdown", "shards", "quiz", "pledge", "prizes", "tree")
	c := &campaign.Campaign{
		ID:        o.must("id").matching(campaignID, "want 2 to 40 small letters, digits and hyphens"),
		Title:     o.must("title").langs(),
		OpensAt:   o.must("opens_at").moment(Zone()),
		ClosesAt:  o.must("closes_at").moment(Zone()),
		Zone:      Zone(),
		Paused:    o.may("paused").yes(),
		Consent:   readConsent(o.must("consent_notice")),
		Retention: readRetention(o.may("retention")),
		PublicBreakdown: orElse(oneOf(o.may("public_breakdown"),
			campaign.BreakdownNone, campaign.BreakdownRegions, campaign.BreakdownUnits), campaign.BreakdownNone),
	}
	r.window, r.fields, r.shards = o.may("closes_at"), o.must("enrolment_fields"), o.may("shards")
	c.Groups = r.readGroups(o.must("groups"))
	c.Fields = readFields(r.fields)
	c.Shards = r.readShards()
	r.readBoards(o, c)
	c.Tree = r.readTree(o)
	d := Definition{Campaign: c}
	if o.has("quiz") {
		d.Quiz, d.Bank = r.readQuiz(o.may("quiz"))
		c.FullMarks = d.Quiz.MaxScore()
	}
	c.Policy = orElse(oneOf(r.policy, campaign.PolicyBest, campaign.PolicySum, campaign.PolicySumDays), campaign.PolicyBest)
	if o.has("pledge") {
		d.Pledge = readPledge(o.may("pledge"))
		d.Pledge.Campaign = c
	}
	if o.has("prizes") {
		d.Prizes = r.prizes.read(o.may("prizes"))
	}
	if !o.absent() && !o.has("quiz") && !o.has("pledge") {
		o.bad("has neither a quiz nor a pledge")
	}
	return d
}

// readTree reads the tree of the file, or takes the one that is kept elsewhere.
func (r *campaignReader) readTree(o *object) *campaign.Tree {
	switch {
	case r.parts != nil:
		if o.has("tree") {
			o.may("tree").bad("is kept beside the campaign and not in it")
		}
		if r.parts.Tree != nil {
			return r.parts.Tree
		}
		return r.tree.read(value{report: o.report})
	case r.treeless && !o.has("tree"):
		return nil
	}
	return r.tree.read(o.must("tree"))
}

func orElse[T ~string](v, otherwise T) T {
	if v == "" {
		return otherwise
	}
	return v
}

func readConsent(v value) campaign.Consent {
	o := v.object("version", "text")
	return campaign.Consent{
		Version: o.must("version").matching(versionForm, versionHint),
		Text:    o.must("text").langs(),
	}
}

// mostRetention is ten years, in days.
const mostRetention = 3650

// readRetention reads for how many days after the close each kind is kept. Whoever says
// it of one says it of all: nothing shall stay because it was not thought of.
func readRetention(v value) campaign.Retention {
	if v.absent() {
		return nil
	}
	var names []string
	for _, k := range campaign.AllKept() {
		names = append(names, string(k))
	}
	o := v.object(names...)
	out := make(campaign.Retention, len(names))
	for _, k := range campaign.AllKept() {
		out[k] = o.must(string(k)).whole(0, mostRetention)
	}
	return out
}

func (r *campaignReader) readGroups(v value) []campaign.Group {
	var out []campaign.Group
	seen := map[string]bool{}
	r.groups = v.list()
	for _, e := range r.groups {
		o := e.object("id", "name", "audience", "guardian")
		g := campaign.Group{
			ID:       o.must("id").matching(bankWord, wordForm),
			Name:     o.must("name").langs(),
			Audience: o.may("audience").matching(bankWord, wordForm),
			Guardian: o.may("guardian").yes(),
		}
		if seen[g.ID] {
			o.may("id").bad("%q stands twice", g.ID)
		}
		seen[g.ID] = true
		g.Audience = orElse(g.Audience, g.ID)
		out = append(out, g)
	}
	if len(out) == 0 && !v.absent() {
		v.bad("a campaign is for at least one group")
	}
	return out
}

func readFields(v value) []campaign.Field {
	var out []campaign.Field
	seen := map[string]bool{}
	for _, e := range v.list() {
		o := e.object("field", "required")
		f := campaign.Field{Name: oneOf(o.must("field"), "name", "phone", "unit"), Required: o.may("required").yes()}
		if seen[f.Name] {
			o.may("field").bad("%q stands twice", f.Name)
		}
		seen[f.Name] = true
		out = append(out, f)
	}
	return out
}

func (r *campaignReader) readShards() int {
	if r.shards.absent() {
		return 1
	}
	n := r.shards.whole(1, maxShards)
	if n&(n-1) != 0 {
		r.shards.bad("%d is not a power of two", n)
	}
	return n
}

func readPledge(v value) *pledge.Offer {
	o := v.object("prefix", "versions")
	p := &pledge.Offer{
		Prefix: o.must("prefix").matching(serialPrefix, "want 2 to 8 capital letters and digits"),
	}
	seen := map[string]bool{}
	versions := o.must("versions")
	for _, e := range versions.list() {
		o := e.object("version", "title", "text", "methods")
		w := pledge.Version{
			Version: o.must("version").matching(versionForm, versionHint),
			Title:   o.must("title").langs(),
			Text:    o.must("text").langs(),
			Methods: manyOf(o.may("methods"), pledge.Typed, pledge.Drawn),
		}
		if seen[w.Version] {
			o.may("version").bad("%q stands twice", w.Version)
		}
		seen[w.Version] = true
		if w.Methods == nil {
			w.Methods = []pledge.Method{pledge.Typed, pledge.Drawn}
		}
		p.Versions = append(p.Versions, w)
	}
	if len(p.Versions) == 0 && !versions.absent() {
		versions.bad("at least one is needed")
	}
	return p
}
