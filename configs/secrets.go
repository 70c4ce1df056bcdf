package configs

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
)

// MasterKeyID is the key id of the key that comes from the master secret.
const MasterKeyID = "master"

// Secrets are the deployment's secrets.
//
// The master secret never changes: participants' ids, attempt ids and serials
// are derived from it. What can be rotated are the keys that sign tokens and
// those that seal personal data. Both kinds carry a key id, so that old tokens
// and sealed values stay readable while new ones use another key.
type Secrets struct {
	Master       Secret            `koanf:"master" doc:"At least 32 random bytes, as base64, hexadecimal or as they stand. Needed with redis.addrs; on one machine it is made at the first start. It must never change."`
	TokenCurrent string            `koanf:"token_current" doc:"Id of the key in secrets.token_keys that signs new tokens; empty: the key derived from secrets.master."`
	TokenKeys    map[string]Secret `koanf:"token_keys" doc:"Keys that tokens are checked with: {id: secret of 32 bytes or more}. The key of id master is derived from secrets.master unless one is given here. Take a key out when no session of its time is left."`
	SealCurrent  string            `koanf:"seal_current" doc:"Id of the key in secrets.seal_keys that seals new personal data; empty: the key derived from secrets.master."`
	SealKeys     map[string]Secret `koanf:"seal_keys" doc:"Keys that personal data is opened with: {id: secret of 32 bytes or more}. Never take one out while data sealed with it is kept."`
	ProofCurrent string            `koanf:"proof_current" doc:"Id of the key in secrets.proof_keys that signs checkpoints of the logs; empty: the key derived from secrets.master."`
	ProofKeys    map[string]Secret `koanf:"proof_keys" doc:"Keys that checkpoints are signed and checked with: {id: secret of 32 bytes or more}. Never take one out while checkpoints that it signed are the newest of a log."`
}

// Tokens returns the keys that sign and check tokens, and the id of the one to
// sign with.
func (s Secrets) Tokens() (current string, keys map[string][]byte) {
	return keySet(s.Master, s.TokenCurrent, s.TokenKeys)
}

// Seals returns the keys that seal and open personal data, and the id of the
// one to seal with.
func (s Secrets) Seals() (current string, keys map[string][]byte) {
	return keySet(s.Master, s.SealCurrent, s.SealKeys)
}

// Proofs returns the secrets behind the keys that sign checkpoints, and the id of the one
// that signs now.
func (s Secrets) Proofs() (current string, keys map[string][]byte) {
	return keySet(s.Master, s.ProofCurrent, s.ProofKeys)
}

func keySet(master Secret, current string, keys map[string]Secret) (string, map[string][]byte) {
	out := map[string][]byte{}
	if !master.IsZero() {
		out[MasterKeyID] = master.Key()
	}
	for id, s := range keys {
		out[id] = s.Key()
	}
	if current == "" {
		current = MasterKeyID
	}
	return current, out
}

func (s Secrets) check(f *faults) {
	if !s.Master.IsZero() {
		f.unless(len(s.Master.Key()) >= MinKey, "secrets.master", "has %d bytes, needs at least %d", len(s.Master.Key()), MinKey)
	}
	checkKeys(f, "secrets.token", s.TokenCurrent, s.TokenKeys)
	checkKeys(f, "secrets.seal", s.SealCurrent, s.SealKeys)
	checkKeys(f, "secrets.proof", s.ProofCurrent, s.ProofKeys)
}

var keyID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

func checkKeys(f *faults, name, current string, keys map[string]Secret) {
	for id, s := range keys {
		key := name + "_keys." + id
		f.unless(keyID.MatchString(id), key, "an id has 1 to 32 letters, digits, - or _")
		f.unless(len(s.Key()) >= MinKey, key, "has %d bytes, needs at least %d", len(s.Key()), MinKey)
	}
	_, known := keys[current]
	f.unless(known || current == "" || current == MasterKeyID, name+"_current", "%q is not among %s_keys", current, name)
}

// WithSecrets returns c with the secrets that are not configured taken from the
// data folder, where the first start of a single machine makes them. With an
// external Redis it changes nothing: Validate has asked for them.
func (c Config) WithSecrets() (Config, error) {
	if !c.PrivateRedis() || !c.Secrets.Master.IsZero() {
		return c, nil
	}
	kept, err := LoadSecrets(c.Data.Dir)
	if err != nil {
		return c, err
	}
	c.Secrets = c.Secrets.over(kept)
	return c, c.Validate()
}

// over lays s over what the file keeps.
func (s Secrets) over(kept Secrets) Secrets {
	if s.Master.IsZero() {
		s.Master = kept.Master
	}
	if s.TokenCurrent == "" {
		s.TokenCurrent = kept.TokenCurrent
	}
	if s.SealCurrent == "" {
		s.SealCurrent = kept.SealCurrent
	}
	if s.ProofCurrent == "" {
		s.ProofCurrent = kept.ProofCurrent
	}
	s.ProofKeys = union(kept.ProofKeys, s.ProofKeys)
	s.TokenKeys = union(kept.TokenKeys, s.TokenKeys)
	s.SealKeys = union(kept.SealKeys, s.SealKeys)
	return s
}

func union(kept, over map[string]Secret) map[string]Secret {
	out := map[string]Secret{}
	maps.Copy(out, kept)
	maps.Copy(out, over)
	return out
}

// SecretsFile is the name of the file of secrets in the data folder.
const SecretsFile = "secrets.yaml"

// LoadSecrets reads the secrets of the data folder, and makes them when there
// are none yet. A file that others may read is refused: its content must be
// taken for known.
func LoadSecrets(dir string) (Secrets, error) {
	name := filepath.Join(dir, SecretsFile)
	s, err := readSecrets(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	if err := makeSecrets(dir, name); err != nil {
		return Secrets{}, fmt.Errorf("make secrets in %s: %w", dir, err)
	}
	return readSecrets(name)
}

func readSecrets(name string) (Secrets, error) {
	f, err := os.Open(name) //nolint:gosec // The operator names the folder.
	if err != nil {
		return Secrets{}, fmt.Errorf("read secrets: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Secrets{}, fmt.Errorf("read secrets: %w", err)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return Secrets{}, fmt.Errorf("read secrets: %s has mode %04o; others may have read it: replace the secrets, or chmod 600 it if you know better", name, perm)
	}
	raw, err := io.ReadAll(f)
	if err != nil {
		return Secrets{}, fmt.Errorf("read secrets from %s: %w", name, err)
	}
	return parseSecrets(name, raw)
}

func parseSecrets(name string, raw []byte) (Secrets, error) {
	doc, rep := parseYAML(name, raw)
	checkShape(doc, reflect.TypeFor[Secrets]())
	if err := rep.err(); err != nil {
		return Secrets{}, err
	}
	o := doc.object()
	s := Secrets{
		Master:       NewSecret(o.may("master").text()),
		TokenCurrent: o.may("token_current").text(),
		TokenKeys:    secretMap(o.may("token_keys")),
		SealCurrent:  o.may("seal_current").text(),
		SealKeys:     secretMap(o.may("seal_keys")),
		ProofCurrent: o.may("proof_current").text(),
		ProofKeys:    secretMap(o.may("proof_keys")),
	}
	var f faults
	f.unless(!s.Master.IsZero(), "secrets.master", "is missing")
	s.check(&f)
	if err := errors.Join(append(f.list, rep.err())...); err != nil {
		return Secrets{}, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func secretMap(v value) map[string]Secret {
	out := map[string]Secret{}
	o := v.object()
	for _, id := range o.names {
		out[id] = NewSecret(o.fields[id].text())
	}
	return out
}

// notice heads the file that the first start writes.
const notice = `# Made at the first start. Whoever has this file can sign in as anybody and read
# what is sealed; without it nothing kept here can be used. Back it up apart from
# the data, and never change the master secret.
`

// makeSecrets writes new secrets. A link, unlike a rename, never replaces a
// file: of two servers that start at once, one makes the secrets and both read
// the same.
func makeSecrets(dir, name string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	key := make([]byte, MinKey)
	_, _ = rand.Read(key) // it never fails, by its documentation
	text := notice + "master: " + base64.StdEncoding.EncodeToString(key) + "\n"
	temp, err := writeTemp(dir, text)
	if temp != "" {
		defer os.Remove(temp) // a second name of the file, or a broken one
	}
	if err != nil {
		return err
	}
	if err := os.Link(temp, name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// writeTemp writes text durably to a new file that only the owner may read.
func writeTemp(dir, text string) (name string, err error) {
	f, err := os.CreateTemp(dir, ".secrets-*") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(text)
	return f.Name(), errors.Join(err, f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // The operator names the folder.
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
