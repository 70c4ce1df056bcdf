package proof

import (
	"encoding/base64"
	"fmt"
)

// Salt keeps the value of a field from being guessed by its commitment.
type Salt [saltSize]byte

// MarshalText writes a salt in base 64.
func (s Salt) MarshalText() ([]byte, error) {
	return []byte(base64.StdEncoding.EncodeToString(s[:])), nil
}

// UnmarshalText reads what MarshalText writes.
func (s *Salt) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil || len(raw) != saltSize {
		return fmt.Errorf("a salt is %d bytes in base 64", saltSize)
	}
	*s = Salt(raw)
	return nil
}
