package token

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
)

// errClaims is a set of claims that does not make a token of its type.
var errClaims = errors.New("claims do not fit the type")

// wire is the claims as they travel. Times are whole Unix seconds; zero is
// taken as missing.
type wire struct {
	Issuer    string `json:"iss"`
	Audience  string `json:"aud"`
	Subject   string `json:"sub"`
	Type      Type   `json:"typ"`
	Family    string `json:"fam,omitempty"`
	Campaign  string `json:"campaign,omitempty"`
	Role      string `json:"role,omitempty"`
	Scope     string `json:"scope,omitempty"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
}

var _ jwt.ClaimsValidator = (*wire)(nil)

// Validate refuses claims that belong to another type of token, so that a
// mistake in one route cannot turn a viewer into a participant.
func (w *wire) Validate() error {
	fits := false
	switch w.Type {
	case Access:
		fits = w.Subject != "" && w.Family != "" &&
			w.Campaign == "" && w.Role == "" && w.Scope == ""
	case Viewer:
		fits = w.Subject == string(Viewer) && w.Role == string(Viewer) &&
			w.Campaign != "" && w.Family == ""
	case Screen:
		fits = w.Subject == string(Screen) && (w.Role == roleAudience || w.Role == roleOffice) &&
			w.Campaign != "" && w.Family == ""
	}
	if !fits || w.IssuedAt == 0 {
		return errClaims
	}
	return nil
}

// UnmarshalJSON takes exactly the claims of wire, each once, spelled as here, and strings
// and whole numbers as their values: encoding/json alone would let the last of two equal
// names win, and "EXP" pass for "exp". Of every token that is not remembered this is the
// larger part of the work, so it is read in one pass.
func (w *wire) UnmarshalJSON(b []byte) error {
	dec := jsontext.NewDecoder(bytes.NewBuffer(b)) // it refuses a name that is given twice
	open, err := dec.ReadToken()
	if err != nil || open.Kind() != jsontext.KindBeginObject {
		return errors.Join(errors.New("claims are not an object"), err)
	}
	for dec.PeekKind() != jsontext.KindEndObject {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		claim := name.String()
		value, err := dec.ReadToken()
		if err == nil {
			err = w.set(claim, value)
		}
		if err != nil {
			return fmt.Errorf("claim %s: %w", claim, err)
		}
	}
	return nil
}

// set takes the value of a claim.
func (w *wire) set(claim string, value jsontext.Token) error {
	switch claim {
	case "iss":
		return text(&w.Issuer, value)
	case "aud":
		return text(&w.Audience, value)
	case "sub":
		return text(&w.Subject, value)
	case "typ":
		return text((*string)(&w.Type), value)
	case "fam":
		return text(&w.Family, value)
	case "campaign":
		return text(&w.Campaign, value)
	case "role":
		return text(&w.Role, value)
	case "scope":
		return text(&w.Scope, value)
	case "iat":
		return moment(&w.IssuedAt, value)
	case "nbf":
		return moment(&w.NotBefore, value)
	case "exp":
		return moment(&w.Expires, value)
	default:
		return errors.New("it is not known")
	}
}

func text(into *string, value jsontext.Token) error {
	if value.Kind() != jsontext.KindString {
		return fmt.Errorf("a string is wanted, and it is %s", value.Kind())
	}
	*into = value.String()
	return nil
}

func moment(into *int64, value jsontext.Token) (err error) {
	if value.Kind() != jsontext.KindNumber {
		return fmt.Errorf("a number is wanted, and it is %s", value.Kind())
	}
	*into, err = strconv.ParseInt(value.String(), 10, 64)
	return err
}

// GetExpirationTime implements jwt.Claims.
func (w *wire) GetExpirationTime() (*jwt.NumericDate, error) { return date(w.Expires), nil }

// GetIssuedAt implements jwt.Claims.
func (w *wire) GetIssuedAt() (*jwt.NumericDate, error) { return date(w.IssuedAt), nil }

// GetNotBefore implements jwt.Claims.
func (w *wire) GetNotBefore() (*jwt.NumericDate, error) { return date(w.NotBefore), nil }

// GetIssuer implements jwt.Claims.
func (w *wire) GetIssuer() (string, error) { return w.Issuer, nil }

// GetSubject implements jwt.Claims.
func (w *wire) GetSubject() (string, error) { return w.Subject, nil }

// GetAudience implements jwt.Claims.
func (w *wire) GetAudience() (jwt.ClaimStrings, error) { return jwt.ClaimStrings{w.Audience}, nil }

func date(unix int64) *jwt.NumericDate {
	if unix == 0 {
		return nil
	}
	return jwt.NewNumericDate(time.Unix(unix, 0))
}
