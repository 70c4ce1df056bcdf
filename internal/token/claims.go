package token

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

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

// UnmarshalJSON takes exactly the claims of wire, each once, spelled as here,
// and none of them nested: encoding/json alone would let the last of two equal
// names win, and "EXP" pass for "exp".
func (w *wire) UnmarshalJSON(b []byte) error {
	if err := flatObject(b); err != nil {
		return err
	}
	type plain wire
	return json.Unmarshal(b, (*plain)(w))
}

func known(name string) bool {
	switch name {
	case "iss", "aud", "sub", "typ", "fam", "campaign", "role", "scope", "iat", "nbf", "exp":
		return true
	}
	return false
}

// flatObject reports why b is not one object of known names, each at most once,
// with strings and numbers as values. b is one valid JSON value already.
func flatObject(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return errors.New("claims are not an object")
	}
	seen := make(map[string]bool, 11)
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		if !known(name) || seen[name] {
			return errors.New("claim is unknown or given twice")
		}
		seen[name] = true
		value, err := dec.Token()
		if err != nil {
			return err
		}
		switch value.(type) {
		case string, float64:
		default:
			return fmt.Errorf("claim %s is %T", name, value)
		}
	}
	return nil
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
