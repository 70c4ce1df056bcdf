package httpapi

import (
	"context"
	"encoding/hex"
	"errors"
	"sync"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/catalog"
	"qingyuan/internal/fault"
	"qingyuan/internal/prizes"
	"qingyuan/prize"
)

// Prizes runs instant wins. *prize.Service is one.
type Prizes interface {
	// Offer returns prize.ErrNone for a campaign without prizes.
	Offer(campaignID string) (prize.Offer, error)
	// Bound is what was published of a campaign's secrets, and the secret of its chances
	// once that is told.
	Bound(campaignID string) (prize.Bound, error)
	Granted(ctx context.Context, campaignID string) (map[string]int, error)
	Own(ctx context.Context, campaignID, participant string) (prize.Own, error)
	Spend(ctx context.Context, campaignID, participant string, number int) (prize.Chance, error)
	Spent(ctx context.Context, campaignID, participant string, from, limit int) ([]prize.Chance, error)
	Winners(ctx context.Context, campaignID string) ([]prize.Win, error)
	Ticket(campaignID, participant string) string
}

// prizeRoutes are what participants and the public see of prizes.
func (s *Server) prizeRoutes() []route {
	if s.Prizes == nil {
		return nil
	}
	const c = "/api/v1/campaigns/:campaign/prizes"
	return []route{
		get(c, public, s.showPrizes),
		get(c+"/winners", public, s.listWinners),
		get(c+"/me", person, s.showOwnPrizes),
		get(c+"/chances", person, s.listChances),
		post(c+"/chances", person, s.spendChance),
		post(c+"/wins/:win/claim", person, s.claimPrize),
	}
}

type prizeT struct {
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	Stock    int    `json:"stock"`
	ValueFen int64  `json:"value_fen"`
	Tax      taxT   `json:"tax"`
	// Odds, Daily and Released are those of instant wins.
	Odds     *int `json:"odds_per_million,omitempty"`
	Daily    *int `json:"daily,omitempty"`
	Released *int `json:"released,omitempty"`
	Granted  int  `json:"granted"`
}

type taxT struct {
	Percent int    `json:"percent"`
	PaidBy  string `json:"paid_by"`
	Fen     int64  `json:"tax_fen"`
	NetFen  int64  `json:"net_fen"`
}

func prizesOf(list []prize.Prize, granted map[string]int, lang string) []prizeT {
	out := make([]prizeT, len(list))
	for i := range list {
		p := &list[i]
		tax, net := p.Withheld()
		out[i] = prizeT{
			ID: p.ID, Kind: string(p.Kind), Name: p.Name.In(lang), Stock: p.Stock, ValueFen: p.Value,
			Tax: taxT{p.Tax.Percent, string(p.Tax.PaidBy), tax, net}, Granted: granted[p.ID],
		}
	}
	return out
}

type instantT struct {
	// SecretHash binds the secret by which chances win, and Secret tells it once that helps
	// nobody any more.
	SecretHash string   `json:"secret_sha256"`
	Secret     *string  `json:"secret"`
	Chances    chancesT `json:"chances"`
	Prizes     []prizeT `json:"prizes"`
	TellsAt    *string  `json:"secret_told_at"`
}

type chancesT struct {
	PerDay *int `json:"per_day"`
	InAll  *int `json:"in_all"`
	Wins   *int `json:"wins"`
}

type drawT struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	EntrantsAt string   `json:"entrants_at"`
	Reserves   int      `json:"reserves"`
	Source     string   `json:"source"`
	SecretHash string   `json:"secret_sha256"`
	Announced  string   `json:"announcement_sha256"`
	Prizes     []prizeT `json:"prizes"`
}

type qualifyT struct {
	Signed   bool     `json:"signed"`
	Passed   bool     `json:"passed"`
	MinScore *int     `json:"min_score"`
	Attempts string   `json:"attempts"`
	Groups   []string `json:"groups"`
	Regions  []string `json:"regions"`
}

type prizesT struct {
	Rules     rulesT   `json:"rules"`
	Statement string   `json:"statement"`
	Qualify   qualifyT `json:"qualify"`
	ClaimDays int      `json:"claim_days"`
	// ReviewDays is how long after the close winners are reviewed while the boards stand
	// still, RiskFrom from which of WeChat's ranks on somebody looks first.
	ReviewDays *int           `json:"review_days"`
	RiskFrom   *int           `json:"wechat_risk_from"`
	MaxValue   int64          `json:"max_value_fen"`
	Instant    *instantT      `json:"instant"`
	Draws      []drawT        `json:"draws"`
	Changes    []prizeChangeT `json:"changes"`
}

type rulesT struct {
	Version string `json:"version"`
	Text    string `json:"text"`
}

// prizeChangeT is a change of what was published, while the campaign was open.
type prizeChangeT struct {
	At     string         `json:"at"`
	Fields []fieldChangeT `json:"fields"`
}

// noInsiders is said wherever prizes are shown.
const noInsiders = "中奖结果由公开的规则、事先公布哈希值的密钥和公开的随机来源计算得出，任何人（包括主办单位和系统管理员）都不能指定、更换或隐藏中奖者；" +
	"密钥公布后，任何人都可以自行复算。主办单位和各单位的工作人员、管理账号的持有人不得中奖：排除名单与参与名单一同冻结，公布人数和根；" +
	"被识别出的人已中的奖也不予发放。"

// showPrizes handles GET /api/v1/campaigns/{campaign}/prizes: everything that was
// promised, from before the opening on.
func (s *Server) showPrizes(k *call) error {
	o, err := s.Prizes.Offer(k.Params("campaign"))
	if err != nil {
		return err
	}
	c, lang := o.Campaign, k.lang()
	granted, err := s.Prizes.Granted(k.ctx, c.ID)
	if err != nil {
		return err
	}
	secrets, err := s.Prizes.Bound(c.ID)
	if err != nil {
		return err
	}
	q := &o.Plan.Qualify
	out := prizesT{
		Rules: rulesT{o.Plan.Rules.Version, o.Plan.Rules.Text.In(lang)}, Statement: noInsiders,
		Qualify: qualifyT{
			q.Signed, q.Passed, bound(q.MinScore), string(q.Attempts), orEmpty(q.Groups), orEmpty(q.Regions),
		},
		ClaimDays: o.Plan.ClaimDays, ReviewDays: bound(o.Plan.ReviewDays), RiskFrom: bound(o.Plan.RiskFrom), MaxValue: prize.MaxValue, Instant: s.instantOf(o, secrets, granted, lang),
		Draws: drawsOf(o, secrets, granted, lang),
	}
	if out.Changes, err = s.prizeChanges(k.ctx, c); err != nil {
		return err
	}
	return k.send(fiber.StatusOK, out)
}

// hasPrizes tells whether there is something to win in a campaign.
func (s *Server) hasPrizes(id string) (bool, error) {
	if s.Prizes == nil {
		return false, nil
	}
	_, err := s.Prizes.Offer(id)
	if errors.Is(err, prize.ErrNone) {
		return false, nil
	}
	return err == nil, err
}

// offersPrizes tells whether a campaign in any stage has prizes that are served: those of
// a draft are a plan.
func (s *Server) offersPrizes(id string) bool {
	if s.Prizes == nil {
		return false
	}
	_, err := s.Prizes.Offer(id)
	return err == nil
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// instantOf is nil where nothing is won by chances.
func (s *Server) instantOf(o prize.Offer, b prize.Bound, granted map[string]int, lang string) *instantT {
	if len(o.Plan.Instant) == 0 {
		return nil
	}
	ch := o.Plan.Chances
	out := &instantT{
		SecretHash: hex.EncodeToString(b.Instant[:]), Chances: chancesT{bound(ch.PerDay), bound(ch.InAll), bound(ch.Wins)},
		Prizes: prizesOf(o.Plan.Instant, granted, lang), TellsAt: stampOrNull(prize.TellsAt(o.Campaign), o.Campaign.Zone),
	}
	if b.Told != nil {
		out.Secret = new(hex.EncodeToString(b.Told[:]))
	}
	for i := range out.Prizes {
		p := &o.Plan.Instant[i]
		out.Prizes[i].Odds, out.Prizes[i].Daily = &p.Odds, bound(p.Daily)
		out.Prizes[i].Released = new(p.Released(o.Campaign, s.Now()))
	}
	return out
}

func drawsOf(o prize.Offer, b prize.Bound, granted map[string]int, lang string) []drawT {
	out := make([]drawT, len(o.Plan.Draws))
	for i := range o.Plan.Draws {
		d := &o.Plan.Draws[i]
		out[i] = drawT{
			ID: d.ID, Name: d.Name.In(lang), EntrantsAt: stamp(d.EntrantsAt, o.Campaign.Zone), Reserves: d.Reserves, Source: d.Source,
			SecretHash: b.Draws[i].Announcement.SecretHash.String(), Announced: b.Draws[i].Digest.String(),
			Prizes: prizesOf(d.Prizes, granted, lang),
		}
	}
	return out
}

// prizeChanges lists what was changed of prizes since the opening; a campaign that lies
// in files has no history.
func (s *Server) prizeChanges(ctx context.Context, c *campaign.Campaign) ([]prizeChangeT, error) {
	out := []prizeChangeT{}
	if s.Campaigns == nil || c.Version == 0 {
		return out, nil
	}
	changes, err := s.state.promised.of(ctx, s.Campaigns, c)
	if err != nil {
		return nil, err
	}
	for _, x := range changes {
		t := prizeChangeT{At: stamp(x.At, c.Zone), Fields: []fieldChangeT{}}
		for _, f := range x.Fields {
			t.Fields = append(t.Fields, fieldChangeT(f))
		}
		out = append(out, t)
	}
	return out, nil
}

// promises remembers what was changed of prizes up to which version of a campaign.
type promises struct {
	mu   sync.Mutex
	kept map[string]promised
}

type promised struct {
	version int64
	changes []catalog.Changed
}

func (p *promises) of(ctx context.Context, store *catalog.Store, c *campaign.Campaign) ([]catalog.Changed, error) {
	p.mu.Lock()
	was, known := p.kept[c.ID]
	p.mu.Unlock()
	if known && was.version == c.Version {
		return was.changes, nil
	}
	changes, err := store.ChangesSince(ctx, c.ID, "prizes", c.OpensAt)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil {
		p.kept = map[string]promised{}
	}
	p.kept[c.ID] = promised{c.Version, changes}
	return changes, nil
}

type ownPrizesT struct {
	Ticket    string  `json:"ticket"`
	Qualified bool    `json:"qualified"`
	Next      int     `json:"next_number"`
	LeftToday *int    `json:"chances_left_today"`
	LeftInAll *int    `json:"chances_left"`
	NextAt    *string `json:"next_chance_at"`
	Wins      []winT  `json:"wins"`
}

// winT is a win as its owner sees it.
type winT struct {
	Win     string   `json:"win"`
	Prize   string   `json:"prize"`
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`
	State   string   `json:"state"`
	Draw    *string  `json:"draw"`
	WonAt   string   `json:"won_at"`
	ClaimBy *string  `json:"claim_by"`
	Needs   []string `json:"needs"`
	// Code is that of a voucher that was claimed, Told why a prize is not given.
	Code *string `json:"code"`
	Told *string `json:"told"`
	// UnderReview says that somebody looks at it before it is given.
	UnderReview bool `json:"under_review"`
	// Confirm is what a mini-program asks with whether a red packet is taken.
	Confirm *confirmT `json:"confirm"`
}

type confirmT struct {
	Merchant string `json:"mch_id"`
	App      string `json:"app_id"`
	Package  string `json:"package"`
}

func winOf(c *campaign.Campaign, w *prizes.OwnWin, lang string) winT {
	out := winT{
		Win: w.WinID.String(), Prize: w.WinID.Prize, Name: w.Of.Name.In(lang), Kind: string(w.Of.Kind), State: string(w.State),
		Draw: textOrNull(w.Draw), WonAt: stamp(w.At, c.Zone), Needs: orEmpty(prizes.Needs(w.Of)), Code: textOrNull(w.Code), Told: textOrNull(w.Told),
		UnderReview: w.UnderReview,
	}
	if x := w.Confirm; x != nil {
		out.Confirm = &confirmT{x.Merchant, x.App, x.Package}
	}
	if w.State == prize.Won {
		out.ClaimBy = new(stamp(w.ClaimBy, c.Zone))
	}
	return out
}

// showOwnPrizes handles GET /api/v1/campaigns/{campaign}/prizes/me.
func (s *Server) showOwnPrizes(k *call) error {
	o, err := s.Prizes.Offer(k.Params("campaign"))
	if err != nil {
		return err
	}
	own, err := s.Prizes.Own(k.ctx, o.Campaign.ID, k.participant)
	if err != nil {
		return err
	}
	out := ownPrizesT{
		Ticket: own.Ticket, Qualified: own.Qualified, Next: own.Last + 1, LeftToday: own.LeftToday, LeftInAll: own.LeftInAll,
		NextAt: stampOrNull(own.Next, o.Campaign.Zone), Wins: []winT{},
	}
	wins, err := s.PrizeDesk.Own(k.ctx, o.Campaign.ID, k.participant)
	if err != nil {
		return err
	}
	for i := range wins {
		out.Wins = append(out.Wins, winOf(o.Campaign, &wins[i], k.lang()))
	}
	return k.send(fiber.StatusOK, out)
}

type chanceT struct {
	Number int    `json:"number"`
	At     string `json:"at"`
	// Won is whether something was won, Win what it is called then.
	Won   bool    `json:"won"`
	Win   *string `json:"win"`
	Prize *string `json:"prize"`
	// Rolled is the prize that the chance fell on, and Why what kept it from being won.
	Rolled *string `json:"rolled"`
	Why    *string `json:"why"`
}

func chanceOf(c *campaign.Campaign, x *prize.Chance) chanceT {
	out := chanceT{
		Number: x.Number, At: stamp(x.At, c.Zone), Won: x.Item > 0, Rolled: textOrNull(x.Rolled), Why: textOrNull(string(x.Why)),
	}
	if out.Won {
		out.Prize, out.Win = &x.Rolled, new(prize.WinID{Prize: x.Rolled, Item: x.Item}.String())
	}
	return out
}

// spendChance handles POST /api/v1/campaigns/{campaign}/prizes/chances. A number that
// was spent gives the same chance again.
func (s *Server) spendChance(k *call) error {
	var in struct {
		Number int `json:"number"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	x, err := s.Prizes.Spend(k.ctx, c.ID, k.participant, in.Number)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, chanceOf(c, &x))
}

// listChances handles GET /api/v1/campaigns/{campaign}/prizes/chances: the participant's
// own, newest first.
func (s *Server) listChances(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	p, err := k.page()
	if err != nil {
		return err
	}
	all, err := s.Prizes.Spent(k.ctx, c.ID, k.participant, int(p.offset), int(p.limit))
	if err != nil {
		return err
	}
	out := list[chanceT]{Items: []chanceT{}}
	for i := range all {
		out.Items = append(out.Items, chanceOf(c, &all[i]))
	}
	if n := len(all); n > 0 && all[n-1].Number > 1 {
		out.NextCursor = cursor(int64(all[n-1].Number - 1))
	}
	return k.send(fiber.StatusOK, out)
}

// claimPrize handles POST /api/v1/campaigns/{campaign}/prizes/wins/{win}/claim. A repeat
// gives back how the win stands.
func (s *Server) claimPrize(k *call) error {
	var in struct {
		Consent struct {
			Rules    string `json:"rules_version"`
			Personal bool   `json:"personal"`
		} `json:"consent"`
		Contact prizes.Contact `json:"contact"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	id, err := prize.ParseWinID(k.Params("win"))
	if err != nil {
		return err
	}
	o, err := s.Prizes.Offer(k.Params("campaign"))
	if err != nil {
		return err
	}
	if in.Contact != (prizes.Contact{}) && !in.Consent.Personal {
		return prizes.ErrConsent
	}
	w, err := s.PrizeDesk.Claim(k.ctx, o.Campaign.ID, k.participant, id, prizes.Claim{Contact: in.Contact, Consent: in.Consent.Rules, From: k.addr})
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, winOf(o.Campaign, &w, k.lang()))
}

type winnerT struct {
	Win   string  `json:"win"`
	Prize string  `json:"prize"`
	Draw  *string `json:"draw"`
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	WonAt string  `json:"won_at"`
	State string  `json:"state"`
	// Ticket is what the winner is called in draws.
	Ticket string `json:"ticket"`
}

// listWinners handles GET /api/v1/campaigns/{campaign}/prizes/winners: everybody who won
// anything, newest first, by masked names: also of those who agreed to be named on
// boards, because that was another consent (个人信息保护法 art. 25).
func (s *Server) listWinners(k *call) error {
	o, err := s.Prizes.Offer(k.Params("campaign"))
	if err != nil {
		return err
	}
	p, err := k.page()
	if err != nil {
		return err
	}
	wins, err := s.Prizes.Winners(k.ctx, o.Campaign.ID)
	if err != nil {
		return err
	}
	part := stretch(wins, p)
	out := list[winnerT]{Items: []winnerT{}, NextCursor: part.NextCursor}
	for i := range part.Items {
		w := &part.Items[i]
		e, err := s.Enrolments.Enrolment(k.ctx, o.Campaign.ID, w.Participant)
		if err != nil && fault.From(err).Kind != fault.NotFound {
			return err
		}
		out.Items = append(out.Items, winnerT{
			Win: w.WinID.String(), Prize: w.Prize, Draw: textOrNull(w.Draw), Name: maskedName(&e), Unit: nameWithin(o.Campaign, w.Unit, k.lang()),
			WonAt: stamp(w.At, o.Campaign.Zone), State: string(w.State), Ticket: s.Prizes.Ticket(o.Campaign.ID, w.Participant),
		})
	}
	return k.send(fiber.StatusOK, out)
}

// maskedName is the name that somebody is shown by, masked also where they agreed to be
// shown in full elsewhere.
func maskedName(e *campaign.Enrolment) string {
	if e.PublishName || e.DisplayName == "" {
		return campaign.MaskName(e.DisplayName)
	}
	return e.DisplayName
}
