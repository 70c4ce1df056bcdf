package prizes

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/sqldb"
	"qingyuan/prize"
)

// Contact is what a winner tells to get a prize. Only what its kind needs is taken.
type Contact struct {
	Name    string `json:"name,omitempty"`
	Phone   string `json:"phone,omitempty"`
	Address string `json:"address,omitempty"`
	// IDNumber is asked for where tax is withheld.
	IDNumber string `json:"id_number,omitempty"`
}

// Needs lists the fields that a prize cannot be sent without.
func Needs(p *prize.Prize) []string {
	var out []string
	switch p.Kind {
	case prize.Credit:
		out = []string{"phone"}
	case prize.Goods:
		out = []string{"name", "phone", "address"}
	case prize.RedPacket:
		out = []string{"name"}
	case prize.Voucher:
	}
	if p.Tax.Percent == 0 {
		return out
	}
	if len(out) == 0 || out[0] != "name" {
		out = append([]string{"name"}, out...)
	}
	return append(out, "id_number")
}

// maxAddress is the longest address, in characters.
const maxAddress = 200

// check takes what the prize needs and refuses the rest.
func (c *Contact) check(p *prize.Prize) error {
	given := map[string]*string{"name": &c.Name, "phone": &c.Phone, "address": &c.Address, "id_number": &c.IDNumber}
	var wrong []fault.Field
	for _, name := range Needs(p) {
		*given[name] = strings.TrimSpace(*given[name])
		if !checks[name](*given[name]) {
			wrong = append(wrong, fault.Field{Name: "contact." + name, Reason: reasons[name]})
		}
		delete(given, name)
	}
	for name, text := range given {
		if *text != "" {
			wrong = append(wrong, fault.Field{Name: "contact." + name, Reason: "领取这种奖品不需要此项，请勿填写"})
		}
	}
	if len(wrong) > 0 {
		return fault.ErrInvalid.WithFields(wrong...)
	}
	return nil
}

//nolint:gochecknoglobals // Constants.
var (
	checks = map[string]func(string) bool{
		"name": func(s string) bool { _, ok := campaign.CleanName(s); return ok },
		"phone": func(s string) bool {
			return len(s) == 11 && s[0] == '1' && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
		},
		"address": func(s string) bool {
			return s != "" && utf8.RuneCountInString(s) <= maxAddress && !strings.ContainsFunc(s, unicode.IsControl)
		},
		"id_number": validID,
	}
	reasons = map[string]string{
		"name": "请填写真实姓名", "phone": "应为 11 位手机号码", "address": "请填写收货地址，至多 200 字", "id_number": "应为 18 位居民身份证号码",
	}
)

// validID checks the last digit of a citizen's number (GB 11643, ISO 7064 MOD 11-2).
func validID(s string) bool {
	if len(s) != 18 { //nolint:mnd // As the standard has it.
		return false
	}
	sum, weight := 0, 1
	for i := len(s) - 1; i >= 0; i-- {
		n := strings.IndexByte("0123456789X", s[i])
		if n < 0 || n == 10 && i != len(s)-1 {
			return false
		}
		sum += n * weight
		weight = weight * 2 % 11
	}
	return sum%11 == 1
}

// Claim is what a winner sends.
type Claim struct {
	Contact Contact
	// Consent is the version of the rules that they agree to with it, by a consent of
	// its own (个人信息保护法 art. 29).
	Consent string
	// From is where it comes from: WeChat is asked with it, where the rules say so.
	From netip.Addr
}

// Claim claims a prize for its winner. A repeat changes nothing, and gives back how it
// stands. Vouchers are handed over at once.
func (s *Service) Claim(ctx context.Context, campaignID, participant string, id prize.WinID, c Claim) (OwnWin, error) {
	o, p, err := s.plan(campaignID, id.Prize)
	if err != nil {
		return OwnWin{}, err
	}
	w, err := s.own(ctx, campaignID, participant, id)
	if err != nil {
		return OwnWin{}, err
	}
	if w, err = s.claim(ctx, o, p, w, c); err != nil {
		return OwnWin{}, err
	}
	return s.ownWin(ctx, o, p, w)
}

// claim brings a win as far as its winner can.
func (s *Service) claim(ctx context.Context, o prize.Offer, p *prize.Prize, w prize.Win, c Claim) (prize.Win, error) {
	campaignID, id := o.Campaign.ID, w.WinID
	var err error
	now := s.Now().Truncate(time.Millisecond)
	switch {
	case w.State == prize.Refused:
		return prize.Win{}, ErrRefused
	case w.State == prize.Expired, w.State == prize.Won && now.After(o.Plan.ClaimBy(w.Since)):
		return prize.Win{}, ErrLate
	case w.State == prize.Won:
		if c.Consent != o.Plan.Rules.Version {
			return prize.Win{}, ErrConsent
		}
		if err = c.Contact.check(p); err != nil {
			return prize.Win{}, err
		}
		if err = s.keep(ctx, campaignID, &w, c, now); err != nil {
			return prize.Win{}, err
		}
		if err = s.recognise(ctx, campaignID, w.Participant, c.Contact.Phone); err != nil {
			return prize.Win{}, err
		}
		if w, _, err = s.Store.Move(ctx, campaignID, id, prize.Won, prize.Claimed, now); err != nil {
			return prize.Win{}, err
		}
	}
	if w.State == prize.Claimed {
		if err = s.askRisk(ctx, o, &w, c.From); err != nil {
			return prize.Win{}, err
		}
	}
	if err == nil {
		err = s.pay(ctx, o, p, w)
	}
	if err == nil && p.Kind == prize.RedPacket {
		w, err = s.Store.Win(ctx, campaignID, id) // it may have been paid meanwhile
	}
	if err != nil {
		return prize.Win{}, err
	}
	if p.Kind == prize.Voucher && w.State == prize.Claimed {
		if err = s.reviewed(ctx, o, w); errors.Is(err, ErrReview) {
			return w, nil // it is handed over once somebody has looked
		}
		if err == nil {
			w, _, err = s.Store.Move(ctx, campaignID, id, prize.Claimed, prize.Sent, now)
		}
	}
	return w, err
}

// own finds a win of a participant; that of anybody else is not found.
func (s *Service) own(ctx context.Context, campaignID, participant string, id prize.WinID) (prize.Win, error) {
	w, err := s.Store.Win(ctx, campaignID, id)
	if err == nil && w.Participant != participant {
		err = prize.ErrNoWin
	}
	return w, err
}

// keep writes down what a winner sent before the fact says so. Until then they may send
// something else.
func (s *Service) keep(ctx context.Context, campaignID string, w *prize.Win, c Claim, now time.Time) error {
	raw, err := json.Marshal(c.Contact)
	if err != nil {
		return fmt.Errorf("encode a claim: %w", err)
	}
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO prize_claims (campaign, prize, item, participant, sealed, consent, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (campaign, prize, item) DO UPDATE SET participant = excluded.participant, sealed = excluded.sealed, consent = excluded.consent, at = excluded.at`,
			campaignID, w.Prize, w.Item, w.Participant, s.Box.Seal(raw, aad("claim", campaignID, w.WinID)), c.Consent, now.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the claim of %s in %s: %w", w.WinID, campaignID, err)
	}
	return nil
}

// Held is what the office knows of a win beside the facts.
type Held struct {
	Contact Contact
	// There is false where nothing was sent, or it was erased.
	There bool
	At    time.Time
	Ref   string
	// Told is why it is not given, "" for no refusal.
	Told string
}

// held reads what is known of the wins of a campaign.
func (s *Service) held(ctx context.Context, campaignID string) (map[prize.WinID]Held, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT prize, item, CASE WHEN stopped = 0 THEN sealed END, at, ref FROM prize_claims WHERE campaign = $1`, campaignID)
	out := map[prize.WinID]Held{}
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var id prize.WinID
		var sealed []byte
		var at int64
		var h Held
		if err := r.Scan(&id.Prize, &id.Item, &sealed, &at, &h.Ref); err != nil {
			return err
		}
		h.At, h.There = time.UnixMilli(at), sealed != nil
		if h.There {
			raw, err := s.Box.Open(sealed, aad("claim", campaignID, id))
			if err != nil {
				return fmt.Errorf("open the claim of %s: %w", id, err)
			}
			if json.Unmarshal(raw, &h.Contact) != nil {
				return fmt.Errorf("open the claim of %s: it is none", id) // the cause might quote it
			}
		}
		out[id] = h
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the claims in %s: %w", campaignID, err)
	}
	return out, nil
}

// OwnWin is a win as its owner sees it.
type OwnWin struct {
	prize.Win

	// Of is what was won.
	Of *prize.Prize
	// ClaimBy is until when it may be claimed.
	ClaimBy time.Time
	// Code is that of a voucher that was handed over.
	Code string
	// Told is why it is not given.
	Told string
	// UnderReview says that somebody looks at it before it is given.
	UnderReview bool
	// Confirm is what its winner confirms a red packet with in WeChat, nil while there is
	// nothing to confirm.
	Confirm *Confirm
}

// Confirm is what a mini-program asks its winner with whether they take a red packet.
type Confirm struct{ Merchant, App, Package string }

// Own lists the wins of a participant.
func (s *Service) Own(ctx context.Context, campaignID, participant string) ([]OwnWin, error) {
	o, err := s.Catalog.Prizes(campaignID)
	if err != nil {
		return nil, err
	}
	wins, err := s.Store.OwnWins(ctx, prize.Person{Campaign: campaignID, Participant: participant})
	if err != nil {
		return nil, err
	}
	var out []OwnWin
	for i := range wins {
		p, ok := o.Plan.Prize(wins[i].Prize)
		if !ok {
			continue
		}
		one, err := s.ownWin(ctx, o, p, wins[i])
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

func (s *Service) ownWin(ctx context.Context, o prize.Offer, p *prize.Prize, w prize.Win) (OwnWin, error) {
	out := OwnWin{Win: w, Of: p, ClaimBy: o.Plan.ClaimBy(w.Since)}
	var err error
	switch {
	case w.State == prize.Claimed:
		if err = s.reviewed(ctx, o, w); errors.Is(err, ErrReview) {
			out.UnderReview, err = true, nil
		}
		if err == nil && p.Kind == prize.RedPacket && s.Payer != nil {
			out.Confirm, err = s.confirm(ctx, o.Campaign.ID, w.WinID)
		}
	case w.State == prize.Refused:
		out.Told, err = s.told(ctx, o.Campaign.ID, w.WinID)
	case p.Kind == prize.Voucher && w.State == prize.Sent:
		out.Code, err = s.Code(ctx, o.Campaign.ID, w.WinID)
	}
	return out, err
}

// confirm is what a winner confirms with, nil for nothing.
func (s *Service) confirm(ctx context.Context, campaignID string, id prize.WinID) (*Confirm, error) {
	p, err := s.paymentOf(ctx, campaignID, id)
	if err != nil || p.State != PayWaiting || p.Package == "" {
		return nil, err
	}
	merchant, app := s.Payer.Confirm()
	return &Confirm{merchant, app, p.Package}, nil
}
