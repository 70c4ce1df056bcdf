package configs

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"strings"
)

// MinKey is the least length of a key in bytes, once decoded.
const MinKey = 32

// redacted is what a secret shows of itself.
const redacted = "***"

// Secret is a text that never prints itself: not by fmt, not in a log, not in
// JSON, YAML or text. Only Reveal and Key give it out, which a search finds.
//
// It keeps a pointer because fmt cannot call methods on the unexported fields of
// a struct around it: there it prints an address instead of the text.
type Secret struct{ value *string }

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text itself, "" when none is set.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero tells whether no text is set.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Equal compares without telling by its time where two secrets differ.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// Key returns the secret as key material. Hexadecimal is decoded, then base64
// (standard or URL alphabet, padded or not), when at least MinKey bytes come
// out; anything else is taken as it stands.
func (s Secret) Key() []byte {
	text := strings.TrimSpace(s.Reveal())
	if key, err := hex.DecodeString(text); err == nil && len(key) >= MinKey {
		return key
	}
	bare := strings.TrimRight(text, "=")
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if key, err := enc.DecodeString(bare); err == nil && len(key) >= MinKey {
			return key
		}
	}
	return []byte(text)
}

// String implements fmt.Stringer without the text.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// GoString implements fmt.GoStringer without the text.
func (s Secret) GoString() string { return `configs.Secret("` + s.String() + `")` }

// LogValue implements slog.LogValuer without the text.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler without the text; JSON uses it
// too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML implements yaml.Marshaler without the text.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
