package configs

import (
	"reflect"

	"go.yaml.in/yaml/v3"
)

// checkShape compares a configuration file with the struct it will fill: every
// name must be known and every value of the right kind. What a value means is
// checked later; here nothing of it is repeated, because it may be secret.
func checkShape(v value, t reflect.Type) {
	switch {
	case v.absent():
	case isSection(t):
		fields := sectionFields(t)
		names := make([]string, 0, len(fields))
		for name := range fields {
			names = append(names, name)
		}
		o := v.object(names...)
		for _, name := range o.names {
			checkShape(o.fields[name], fields[name])
		}
	case t.Kind() == reflect.Map:
		o := v.object()
		for _, name := range o.names {
			checkShape(o.fields[name], t.Elem())
		}
	case t.Kind() == reflect.Slice:
		checkList(v, t)
	default:
		checkScalar(v, t)
	}
}

func sectionFields(t reflect.Type) map[string]reflect.Type {
	out := make(map[string]reflect.Type, t.NumField())
	for f := range t.Fields() {
		out[f.Tag.Get("koanf")] = f.Type
	}
	return out
}

func checkList(v value, t reflect.Type) {
	if v.node.Kind != yaml.SequenceNode {
		v.bad("want a list")
		return
	}
	for _, e := range v.list() {
		checkShape(e, t.Elem())
	}
}

func checkScalar(v value, t reflect.Type) {
	switch {
	case v.node.Kind != yaml.ScalarNode:
		v.bad("want one value")
	case v.node.Tag == "!!null":
		v.bad("has no value")
	case t == reflect.TypeFor[Secret]() && v.node.Tag != "!!str":
		// Unquoted digits would lose leading zeros before anybody sees them.
		v.bad("want a text in quotes")
	}
}
