// Package roster keeps who belongs to the units of a campaign: the denominators of
// its rates by name, and the door for people who have no WeChat.
//
// A person is found by a keyed hash of unit and number, and recognised by one of the
// name; number and name themselves are sealed. So a copy of the database tells nobody
// who is on a roster, and a stranger who tries names learns nothing.
package roster

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
)

// Person is one line of a roster.
type Person struct {
	Unit string
	// Number is what the unit knows the person by: of the staff, of the school.
	Number string
	Name   string
	// Group is that of the campaign, "" where the person chooses.
	Group string
	Added time.Time
	// Door is the unit by whose roster the person signs in: theirs, or one that has gone
	// into it since.
	Door string
}

// Keys hash and seal rosters.
type Keys struct {
	// Hash is derived from the master secret and never changes.
	Hash [32]byte
	Box  *seal.Box
}

// Rosters are those of a database.
type Rosters struct {
	db   *sqldb.DB
	keys Keys
	now  func() time.Time
}

// New returns the rosters of a database.
func New(db *sqldb.DB, k Keys, now func() time.Time) *Rosters { return &Rosters{db, k, now} }

// ErrMismatch answers for everything that does not fit: an unknown unit, an unknown
// number, another name. Which it was, nobody is told.
var ErrMismatch = fault.New(fault.Unauthenticated, "roster.mismatch", "单位、编号或姓名与名册不符")

// size of the stored hashes, in bytes: 128 bits.
const hashSize = 16

// maxNumber is the longest number, in characters.
const maxNumber = 40

// CleanNumber returns a number as it is compared: NFKC, without blanks and in upper
// case, and whether it can be one: letters, digits and hyphens.
func CleanNumber(s string) (string, bool) {
	s = strings.ToUpper(strings.Join(strings.Fields(norm.NFKC.String(s)), ""))
	if s == "" || utf8.RuneCountInString(s) > maxNumber {
		return "", false
	}
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_/.*", r) {
			return "", false
		}
	}
	return s, true
}

// cleanName is campaign.CleanName, without the blanks by which lists align Chinese
// names of two characters.
func cleanName(s string) (string, bool) {
	s, ok := campaign.CleanName(s)
	if !ok {
		return "", false
	}
	for _, r := range s {
		if r != ' ' && !unicode.Is(unicode.Han, r) {
			return s, true
		}
	}
	return strings.ReplaceAll(s, " ", ""), true
}

// key names a person within a campaign.
func (k *Keys) key(campaignID, unit, number string) []byte {
	return k.hash("person", campaignID, unit, number)[:hashSize]
}

// name hashes a name onto the person's key, so that equal names look different.
func (k *Keys) name(key []byte, name string) []byte {
	return k.hash("name", string(key), name)[:hashSize]
}

// hash puts each part in with its length, so that no two lists of parts are one.
func (k *Keys) hash(parts ...string) []byte {
	m := hmac.New(sha256.New, k.Hash[:])
	for _, p := range parts {
		m.Write(binary.BigEndian.AppendUint32(nil, uint32(len(p)))) //nolint:gosec // A few dozen bytes.
		m.Write([]byte(p))
	}
	return m.Sum(nil)
}

// said is what is sealed of a person.
type said struct {
	Number string `json:"number"`
	Name   string `json:"name"`
}

func (k *Keys) seal(campaignID string, key []byte, p *Person) ([]byte, error) {
	raw, err := json.Marshal(said{p.Number, p.Name})
	if err != nil {
		return nil, fmt.Errorf("seal a person of unit %s: %w", p.Unit, err)
	}
	return k.Box.Seal(raw, bound(campaignID, p.Unit, key)), nil
}

func (k *Keys) open(campaignID string, key, sealed []byte, p *Person) error {
	raw, err := k.Box.Open(sealed, bound(campaignID, p.Unit, key))
	if err != nil {
		return fmt.Errorf("open a person of unit %s: %w", p.Unit, err)
	}
	var s said
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("open a person of unit %s: %w", p.Unit, err)
	}
	p.Number, p.Name = s.Number, s.Name
	return nil
}

// bound ties a sealed person to their place.
func bound(campaignID, unit string, key []byte) []byte {
	return []byte("roster|" + campaignID + "|" + unit + "|" + string(key))
}

// clean returns the person as they are kept, or what is wrong in Chinese.
func clean(c *campaign.Campaign, p Person) (Person, error) {
	n, ok := c.Tree.Node(p.Unit)
	if !ok || n.Kind != campaign.Unit {
		return p, errors.New("没有这个单位")
	}
	if p.Number, ok = CleanNumber(p.Number); !ok {
		return p, fmt.Errorf("编号应为 1 至 %d 位字母、数字或连字符", maxNumber)
	}
	if p.Name, ok = cleanName(p.Name); !ok {
		return p, errors.New("姓名不能为空，且只能是文字")
	}
	if p.Group, ok = group(c, p.Group); !ok {
		return p, errors.New("本活动没有这类人群")
	}
	return p, nil
}

// group finds a group by id or by name.
func group(c *campaign.Campaign, s string) (string, bool) {
	if s == "" {
		return "", true
	}
	for i := range c.Groups {
		g := &c.Groups[i]
		if g.ID == s || g.Name.In(campaign.DefaultLanguage) == s {
			return g.ID, true
		}
	}
	return "", false
}
