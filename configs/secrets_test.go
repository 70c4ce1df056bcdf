package configs

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestSecretNeverPrints(t *testing.T) {
	type holder struct {
		Open   Secret
		closed Secret
		list   []Secret
		table  map[string]Secret
	}
	s := NewSecret("hunter2")
	h := holder{Open: s, closed: s, list: []Secret{s}, table: map[string]Secret{"k": s}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", s, h, &h)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", s, "holder", h)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", s, "holder", h)
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
		raw, err := marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(raw)
	}
	hexed := hex.EncodeToString([]byte("hunter2"))
	if strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), hexed) {
		t.Errorf("the secret shows:\n%s", out.String())
	}
	if !strings.Contains(out.String(), redacted) {
		t.Error("nothing says that a secret is set")
	}
}

func TestSecretKey(t *testing.T) {
	raw := bytes.Repeat([]byte{0xfb, 0xef}, 16)
	tests := map[string]struct {
		text string
		want []byte
	}{
		"hexadecimal":   {hex.EncodeToString(raw), raw},
		"base64":        {base64.StdEncoding.EncodeToString(raw), raw},
		"base64 bare":   {base64.RawStdEncoding.EncodeToString(raw), raw},
		"base64 URL":    {base64.URLEncoding.EncodeToString(raw), raw},
		"as it stands":  {"correct horse battery staple, and so on", []byte("correct horse battery staple, and so on")},
		"too short hex": {"abcd", []byte("abcd")},
		"line end":      {hex.EncodeToString(raw) + "\n", raw},
		"none":          {"", []byte{}},
	}
	for name, tt := range tests {
		if got := NewSecret(tt.text).Key(); !bytes.Equal(got, tt.want) {
			t.Errorf("%s: got %x, want %x", name, got, tt.want)
		}
	}
}

func TestLoadSecretsMakesThemOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	const servers = 8
	got := make([]Secrets, servers)
	var wg sync.WaitGroup
	for i := range servers {
		wg.Go(func() {
			s, err := LoadSecrets(dir)
			if err != nil {
				t.Error(err)
			}
			got[i] = s
		})
	}
	wg.Wait()
	for _, s := range got {
		if !s.Master.Equal(got[0].Master) || len(s.Master.Key()) != MinKey {
			t.Fatal("servers that start at once have different secrets, or weak ones")
		}
	}
	for name, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, SecretsFile): 0o600} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", name, info.Mode().Perm(), want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".secrets-*")); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

func TestLoadSecretsRefuses(t *testing.T) {
	tests := map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"readable by a group": {"master: " + strong, 0o640, "mode 0640"},
		"readable by others":  {"master: " + strong, 0o604, "mode 0604"},
		"weak":                {"master: hunter2", 0o600, "secrets.master: has 7 bytes"},
		"empty":               {"", 0o600, "secrets.master: is missing"},
		"unknown key":         {"master: " + strong + "\ntoken: hunter2", 0o600, "secrets.yaml:2: token: unknown field"},
		"unknown key id":      {"master: " + strong + "\ntoken_current: k1", 0o600, "secrets.token_current"},
		"no YAML":             {"master: [hunter2", 0o600, "secrets.yaml:"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, SecretsFile)
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, tt.mode); err != nil {
				t.Fatal(err)
			}
			_, err := LoadSecrets(dir)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), strong)) {
				t.Errorf("a secret is shown: %v", err)
			}
		})
	}
}

func TestWithSecrets(t *testing.T) {
	c := Default()
	c.Data.Dir = filepath.Join(t.TempDir(), "data")
	first, err := c.WithSecrets()
	if err != nil {
		t.Fatal(err)
	}
	current, keys := first.Secrets.Tokens()
	if current != MasterKeyID || len(keys[current]) != MinKey {
		t.Errorf("tokens are signed with %q of %d bytes", current, len(keys[current]))
	}

	c.Secrets.TokenCurrent = "k1"
	c.Secrets.TokenKeys = map[string]Secret{"k1": NewSecret(strong)}
	rotated, err := c.WithSecrets()
	if err != nil {
		t.Fatal(err)
	}
	current, next := rotated.Secrets.Tokens()
	if current != "k1" || string(next["k1"]) != strong || !bytes.Equal(next[MasterKeyID], keys[MasterKeyID]) {
		t.Error("after a rotation the old key is gone or the new one is not used")
	}
	if current, _ := rotated.Secrets.Seals(); current != MasterKeyID {
		t.Errorf("data is sealed with %q, want the master's key", current)
	}

	c.Redis.Addrs = []string{"redis:6379"}
	if c, err = c.WithSecrets(); err != nil || !c.Secrets.Master.IsZero() {
		t.Errorf("with an external Redis secrets come from the folder: %v", err)
	}
}
