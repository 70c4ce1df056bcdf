package configs

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	kyaml "github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

// Options say where the configuration comes from.
type Options struct {
	// File is a YAML file; "" for none. A file that is named must exist.
	File string
	// Env are the variables, each NAME=value; nil means those of the process.
	// An empty value counts as not set.
	Env []string
	// Flags are values by key, such as "http.addr".
	Flags map[string]any
}

// Load layers defaults, file, environment and flags, the later ones over the
// earlier, and checks the whole. The error names every fault at once, and never
// the value of a secret.
func Load(o Options) (Config, error) {
	k := koanf.New(".")
	err := errors.Join(loadFile(k, o.File), loadEnv(k, o.Env), loadFlags(k, o.Flags))
	if err != nil {
		return Config{}, err
	}
	c := Default()
	if err := decode(k, &c); err != nil {
		return Config{}, err
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

func loadFile(k *koanf.Koanf, file string) error {
	if file == "" {
		return nil
	}
	raw, err := os.ReadFile(file) //nolint:gosec // The operator names the file.
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	// Names and shapes first, with lines; koanf itself takes whatever comes.
	doc, rep := parseYAML(file, raw)
	if !doc.absent() {
		checkShape(doc, reflect.TypeFor[Config]())
	}
	if err := rep.err(); err != nil {
		return err
	}
	if err := k.Load(rawbytes.Provider(raw), kyaml.Parser()); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// loadEnv maps variables to keys by the list of keys: an underscore may stand
// for itself or for a dot, and only the list can tell.
func loadEnv(k *koanf.Koanf, vars []string) error {
	if vars == nil {
		vars = os.Environ()
	}
	known := map[string]Key{}
	for _, key := range Keys() {
		known[key.Env] = key
	}
	var errs []error
	transform := func(name, value string) (string, any) {
		key, ok := known[name]
		if !ok {
			errs = append(errs, fmt.Errorf("%s: no such variable", name))
		}
		if !ok || value == "" {
			return "", nil
		}
		parsed, err := parseEnv(key, value)
		if err != nil {
			errs = append(errs, err)
		}
		return key.Name, parsed
	}
	// Variables of the tests stand beside those of the server that a test starts.
	ours := slices.DeleteFunc(slices.Clone(vars), func(v string) bool {
		return strings.HasPrefix(v, testPrefix) || strings.HasPrefix(v, failpointsEnv+"=")
	})
	err := k.Load(env.Provider(".", env.Opt{
		Prefix: envPrefix, TransformFunc: transform, EnvironFunc: func() []string { return ours },
	}), nil)
	return errors.Join(append(errs, err)...)
}

// parseEnv reads what cannot be one text: lists are separated by commas, sets
// of keys are id=secret and apps appid=secret, separated by commas too.
func parseEnv(key Key, value string) (any, error) {
	switch key.Type {
	case "keys":
		pairs, err := envPairs(key, value)
		out := map[string]any{}
		for _, p := range pairs {
			out[p[0]] = p[1]
		}
		return out, err
	case "apps":
		pairs, err := envPairs(key, value)
		out := make([]any, len(pairs))
		for i, p := range pairs {
			out[i] = map[string]any{"appid": p[0], "secret": p[1]}
		}
		return out, err
	default:
		return value, nil
	}
}

func envPairs(key Key, value string) ([][2]string, error) {
	var out [][2]string
	for part := range strings.SplitSeq(value, ",") {
		id, secret, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || id == "" {
			return nil, fmt.Errorf("%s: want id=secret, separated by commas", key.Env)
		}
		out = append(out, [2]string{id, secret})
	}
	return out, nil
}

func loadFlags(k *koanf.Koanf, flags map[string]any) error {
	var errs []error
	for name := range flags {
		if !slices.ContainsFunc(Keys(), func(key Key) bool { return key.Name == name }) {
			errs = append(errs, fmt.Errorf("flag for %s: no such key", name))
		}
	}
	if errs != nil {
		return errors.Join(errs...)
	}
	return k.Load(confmap.Provider(flags, "."), nil)
}

// decode fills c with what was loaded and leaves its defaults elsewhere.
func decode(k *koanf.Koanf, c *Config) error {
	err := k.UnmarshalWithConf("", c, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		TagName: "koanf", WeaklyTypedInput: true, ErrorUnused: true,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(
			splitHook, prefixHook, durationHook,
			mapstructure.StringToTimeDurationHookFunc(),
			mapstructure.TextUnmarshallerHookFunc(),
		),
	}})
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	return nil
}

// splitHook cuts a text into a list at its commas.
func splitHook(from, to reflect.Type, v any) (any, error) {
	if from.Kind() != reflect.String || to.Kind() != reflect.Slice {
		return v, nil
	}
	var out []string
	for part := range strings.SplitSeq(v.(string), ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out, nil
}

// prefixHook lets a single address stand for the network that holds only it.
func prefixHook(from, to reflect.Type, v any) (any, error) {
	if from.Kind() != reflect.String || to != reflect.TypeFor[netip.Prefix]() {
		return v, nil
	}
	if a, err := netip.ParseAddr(v.(string)); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return v, nil
}

// durationHook refuses a bare number, which would pass for nanoseconds.
func durationHook(from, to reflect.Type, v any) (any, error) {
	if to == reflect.TypeFor[time.Duration]() && from.Kind() != reflect.String && from != to {
		return nil, errors.New("a duration needs a unit, such as 3s or 2h")
	}
	return v, nil
}
