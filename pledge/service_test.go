package pledge_test

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/pledge"
)

// hash stands for the encryption of personal data.
type hash struct{}

func (hash) Seal(plaintext, _ []byte) []byte {
	sum := sha256.Sum256(plaintext)
	return sum[:]
}

// desk is one campaign's pledge on a real store, with a clock that a test turns.
type desk struct {
	*testing.T
	pledge.Service
	offer pledge.Offer
	now   time.Time
	alice string // enrolled
	bob   string // not
}

// The catalog of the desk.
func (d *desk) Pledge(id string) (pledge.Offer, error) {
	if id != d.offer.Campaign.ID {
		return pledge.Offer{}, campaign.ErrNotFound
	}
	return d.offer, nil
}

func (d *desk) CampaignByPrefix(prefix string) (string, bool) {
	return d.offer.Campaign.ID, prefix == d.offer.Prefix
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{T: t, offer: offer(), now: noon, alice: person(1), bob: person(2)}
	stores := redisstore.NewCampaigns(redistest.Start(t).Client(t))
	if err := stores.Open(t.Context(), d.offer.Campaign, redisstore.Known{}, d.now); err != nil {
		t.Fatal(err)
	}
	d.Service = pledge.Service{
		Catalog: d, Store: redisstore.NewSignatures(stores, hash{}), Serials: serials(t),
		Now: func() time.Time { return d.now },
	}
	e := campaign.Enrolment{Unit: "u1", Group: "public", At: d.now}
	if _, err := redisstore.NewEnrolments(stores, hash{}, make([]byte, 32)).
		Enrol(t.Context(), d.offer.Campaign.ID, d.alice, e, campaign.Personal{}); err != nil {
		t.Fatal(err)
	}
	return d
}

// sign signs as alice.
func (d *desk) sign(r pledge.Request) (pledge.Receipt, bool, error) {
	return d.Sign(d.Context(), d.offer.Campaign.ID, d.alice, r)
}

// signed signs as alice for the first time.
func (d *desk) signed(r pledge.Request) pledge.Receipt {
	d.Helper()
	receipt, fresh, err := d.sign(r)
	if err != nil || !fresh {
		d.Fatalf("sign: fresh %t, %v", fresh, err)
	}
	return receipt
}

func wants(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func TestSign(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	got := d.signed(typed())
	want := pledge.Receipt{Serial: got.Serial, Participant: got.Participant, Signature: pledge.Signature{
		Version: "2026", TextSHA256: d.offer.Versions[1].SHA256("zh-CN"), Method: pledge.Typed, Unit: "u1",
		SignedAt: noon.Truncate(time.Millisecond), MaskedName: "张**", State: pledge.Valid,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("receipt (-want +got):\n%s", diff)
	}
	own, err := d.Signature(t.Context(), "antidrug", d.alice)
	if diff := cmp.Diff(got, own); err != nil || diff != "" {
		t.Errorf("read again: %v (-receipt +read):\n%s", err, diff)
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, _, err := d.Sign(t.Context(), "other", d.alice, typed())
	wants(t, "an unknown campaign", err, campaign.ErrNotFound)
	_, _, err = d.Sign(t.Context(), "antidrug", d.bob, typed())
	wants(t, "who is not enrolled", err, campaign.ErrRequired)
	_, _, err = d.sign(typed(func(r *pledge.Request) { r.Version = "2025" }))
	wants(t, "the older version", err, pledge.ErrVersionChanged)
	_, err = d.Signature(t.Context(), "antidrug", d.alice)
	wants(t, "nothing of that signed", err, pledge.ErrNotSigned)
	_, err = d.Signature(t.Context(), "other", d.alice)
	wants(t, "in an unknown campaign", err, campaign.ErrNotFound)
	d.now = closes
	_, _, err = d.sign(typed())
	wants(t, "after the close", err, campaign.ErrClosed)
}

// TestRepeats proves invariant 2: whatever happened since, the same signature
// again gives the first receipt.
func TestRepeats(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*desk){
		"at once":              func(*desk) {},
		"a second later":       func(d *desk) { d.now = d.now.Add(time.Second) },
		"while paused":         func(d *desk) { d.offer.Campaign.Paused = true },
		"after the close":      func(d *desk) { d.now = closes.AddDate(1, 0, 0) },
		"after a new version":  func(d *desk) { d.publish("2027") },
		"after both":           func(d *desk) { d.publish("2027"); d.now = closes },
		"with another method":  func(d *desk) { d.offer.Versions[1].Methods = []pledge.Method{pledge.Drawn} },
		"when it was withheld": func(d *desk) { d.offer.Versions[1].Methods = nil },
	} {
		for how, r := range map[string]pledge.Request{"typed": typed(), "drawn": typed(draws)} {
			d := newDesk(t)
			first := d.signed(r)
			change(d)
			again, fresh, err := d.sign(r)
			if diff := cmp.Diff(first, again); err != nil || fresh || diff != "" {
				t.Errorf("%s, %s: fresh %t, %v (-first +again):\n%s", how, name, fresh, err, diff)
			}
		}
	}
}

// publish adds a version to be signed from now on.
func (d *desk) publish(version string) {
	v := d.offer.Versions[1]
	v.Version, v.Text = version, campaign.Text{"zh-CN": "新的承诺。"}
	d.offer.Versions = append(d.offer.Versions, v)
}

// TestOneSignatureAPerson: who has signed once has signed, also when the next
// text is out or another way of signing is tried.
func TestOneSignatureAPerson(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first := d.signed(typed())
	d.publish("2027")
	for name, r := range map[string]pledge.Request{
		"the new version": typed(func(r *pledge.Request) { r.Version = "2027" }),
		"drawn this time": typed(draws, func(r *pledge.Request) { r.Version = "2027" }),
	} {
		again, fresh, err := d.sign(r)
		if diff := cmp.Diff(first, again); err != nil || fresh || diff != "" {
			t.Errorf("%s: fresh %t, %v (-first +again):\n%s", name, fresh, err, diff)
		}
	}
	_, _, err := d.sign(typed(draws, func(r *pledge.Request) { r.Version = "2026" }))
	wants(t, "another way, of the version that is over", err, pledge.ErrVersionChanged)
	_, _, err = d.sign(typed(func(r *pledge.Request) { r.Version, r.Name = "2027", "😀" }))
	wants(t, "an emoji for a name", err, fault.ErrInvalid)
}

func TestBySerial(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	own := d.signed(typed(draws))
	got, c, err := d.BySerial(t.Context(), own.Serial)
	if diff := cmp.Diff(own, got); err != nil || diff != "" || c.ID != "antidrug" {
		t.Errorf("BySerial: %v (-own +public):\n%s", err, diff)
	}
	unsigned := made(t, d.Serials, "antidrug", d.bob)
	elsewhere := made(t, d.Serials, "other", d.alice)
	for why, serial := range map[string]string{
		"who did not sign":  unsigned,
		"another campaign":  elsewhere,
		"a guess":           "JZ26-00000000000000000000000000",
		"an unknown prefix": "XX99" + own.Serial[4:],
		"no prefix":         own.Serial[5:],
		"empty":             "",
	} {
		if _, _, err := d.BySerial(t.Context(), serial); !errors.Is(err, pledge.ErrNotSigned) {
			t.Errorf("%s: BySerial(%q) = %v", why, serial, err)
		}
	}
}
