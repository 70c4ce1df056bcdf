package configs

import (
	"encoding"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"time"
)

// envPrefix begins every variable of the environment that is ours.
const envPrefix = "QINGYUAN_"

// testPrefix begins the variables that only tests read.
const testPrefix = envPrefix + "TEST_"

// failpointsEnv is read by internal/failpoint, in builds for tests.
const failpointsEnv = envPrefix + "FAILPOINTS"

// Key describes one key of the configuration.
type Key struct {
	// Name is the path, dots between levels: "http.ops_addr".
	Name string
	// Env is the variable that sets it: "QINGYUAN_HTTP_OPS_ADDR".
	Env string
	// Type is one of text, secret, number, flag, duration, size, level, list,
	// networks, apps and keys.
	Type string
	// Default is the value without file, environment and flags, as it would
	// stand in the file.
	Default string
	// Doc says what the key does.
	Doc string
}

// Keys lists every key in the order of the struct. The list is the only source
// of names: for the file, the environment, the flags and the reference.
func Keys() []Key {
	return keysOf(reflect.ValueOf(Default()), "")
}

func keysOf(v reflect.Value, prefix string) []Key {
	var out []Key
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := prefix + f.Tag.Get("koanf")
		if isSection(f.Type) {
			out = append(out, keysOf(v.Field(i), name+".")...)
			continue
		}
		out = append(out, Key{
			Name:    name,
			Env:     envPrefix + strings.ToUpper(strings.ReplaceAll(name, ".", "_")),
			Type:    typeName(f.Type),
			Default: defaultText(v.Field(i)),
			Doc:     f.Tag.Get("doc"),
		})
	}
	return out
}

// isSection tells a struct of keys from a value that is written in one text.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !isText(t)
}

// isText tells whether values of t are written as one text of their own format.
func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func typeName(t reflect.Type) string {
	names := map[string]string{
		"time.Duration": "duration", "configs.Secret": "secret", "configs.Size": "size", "slog.Level": "level",
		"[]netip.Prefix": "networks", "[]configs.App": "apps", "map[string]configs.Secret": "keys", "[]string": "list",
		"int": "number", "float64": "number", "bool": "flag", "string": "text",
	}
	return names[t.String()]
}

func defaultText(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case slog.Level:
		return strings.ToLower(x.String())
	case string:
		if x == "" {
			return `""`
		}
		return x
	case Secret:
		return `""`
	case time.Duration:
		return shortDuration(x)
	}
	switch v.Kind() {
	case reflect.Slice:
		return "[]"
	case reflect.Map:
		return "{}"
	default:
		return fmt.Sprint(v.Interface())
	}
}

// shortDuration leaves out the zeros that time.Duration prints: 2h, not 2h0m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
