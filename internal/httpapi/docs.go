package httpapi

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The parts of the contract that the documentation page shows.
type (
	openAPI struct {
		Info  info                `json:"info"`
		Tags  []tag               `json:"tags"`
		Paths map[string]pathItem `json:"paths"`
		Parts components          `json:"components"`
	}
	info struct {
		Title       string `json:"title"`
		Version     string `json:"version"`
		Description string `json:"description"`
	}
	tag struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	}
	pathItem struct {
		Parameters []parameter `json:"parameters"`
		Get        *operation  `json:"get"`
		Put        *operation  `json:"put"`
		Patch      *operation  `json:"patch"`
		Post       *operation  `json:"post"`
		Delete     *operation  `json:"delete"`
	}
	operation struct {
		Tags        []string            `json:"tags"`
		ID          string              `json:"operationId"`
		Summary     string              `json:"summary"`
		Description string              `json:"description"`
		Security    []map[string]any    `json:"security"`
		Parameters  []parameter         `json:"parameters"`
		Body        *content            `json:"requestBody"`
		Responses   map[string]response `json:"responses"`
	}
	parameter struct {
		Ref         string `json:"$ref"`
		Name        string `json:"name"`
		In          string `json:"in"`
		Description string `json:"description"`
	}
	response struct {
		Ref         string   `json:"$ref"`
		Description string   `json:"description"`
		Codes       []string `json:"x-codes"`
		content
	}
	content struct {
		Content map[string]media `json:"content"`
	}
	media struct {
		Schema struct {
			Ref string `json:"$ref"`
		} `json:"schema"`
		Example jsontext.Value `json:"example"`
	}
	components struct {
		Parameters map[string]parameter      `json:"parameters"`
		Responses  map[string]response       `json:"responses"`
		Schemas    map[string]jsontext.Value `json:"schemas"`
	}
)

// document is the contract laid out for reading.
type document struct {
	Info    info
	Groups  []docGroup
	Schemas []docSchema
}

type docGroup struct {
	tag
	Operations []docOperation
}

type docOperation struct {
	Method, Path, ID, Summary, Description string
	Bearer                                 bool
	Parameters                             []parameter
	Body                                   *docBody
	Answers                                []docAnswer
}

type docBody struct{ Schema, Example string }

type docAnswer struct {
	Status, Description, Schema, Example string
	Codes                                []string
}

type docSchema struct{ Name, Text string }

// newDocument lays the contract out.
func newDocument(raw []byte) (*document, error) {
	var api openAPI
	if err := json.Unmarshal(raw, &api); err != nil {
		return nil, err
	}
	d := &document{Info: api.Info}
	for _, t := range api.allTags() {
		d.Groups = append(d.Groups, docGroup{t, api.operations(t.Name)})
	}
	for _, name := range slices.Sorted(maps.Keys(api.Parts.Schemas)) {
		d.Schemas = append(d.Schemas, docSchema{name, pretty(api.Parts.Schemas[name])})
	}
	return d, nil
}

// allTags lists the tags in the order of the contract, and behind them those that it uses
// and does not describe, so that no route is left out.
func (a *openAPI) allTags() []tag {
	all := slices.Clone(a.Tags)
	used := map[string]bool{}
	for _, item := range a.Paths {
		for _, o := range []*operation{item.Get, item.Put, item.Patch, item.Post, item.Delete} {
			if o != nil && len(o.Tags) > 0 {
				used[o.Tags[0]] = true
			}
		}
	}
	for _, t := range a.Tags {
		delete(used, t.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		all = append(all, tag{Name: name})
	}
	return all
}

// operations lists those of one tag by path.
func (a *openAPI) operations(tag string) []docOperation {
	var out []docOperation
	for _, path := range slices.Sorted(maps.Keys(a.Paths)) {
		item := a.Paths[path]
		for _, one := range []struct {
			method string
			*operation
		}{{"GET", item.Get}, {"POST", item.Post}, {"PUT", item.Put}, {"PATCH", item.Patch}, {"DELETE", item.Delete}} {
			if one.operation != nil && slices.Contains(one.Tags, tag) {
				o := a.lay(one.operation, item.Parameters)
				o.Method, o.Path = one.method, path
				out = append(out, o)
			}
		}
	}
	return out
}

func (a *openAPI) lay(o *operation, shared []parameter) docOperation {
	d := docOperation{
		ID: o.ID, Summary: o.Summary, Description: o.Description,
		Bearer: len(o.Security) > 0 && len(o.Security[0]) > 0,
	}
	for _, p := range slices.Concat(shared, o.Parameters) {
		if p.Ref != "" {
			p = a.Parts.Parameters[lastOf(p.Ref)]
		}
		d.Parameters = append(d.Parameters, p)
	}
	if o.Body != nil {
		schema, example := o.Body.shown()
		d.Body = &docBody{schema, example}
	}
	for status, r := range o.Responses {
		if r.Ref != "" {
			r = a.Parts.Responses[lastOf(r.Ref)]
		}
		answer := docAnswer{Status: status, Description: r.Description, Codes: r.Codes}
		if len(r.Codes) == 0 {
			answer.Schema, answer.Example = r.shown()
		}
		d.Answers = append(d.Answers, answer)
	}
	slices.SortFunc(d.Answers, func(x, y docAnswer) int { return cmp.Compare(x.Status, y.Status) })
	return d
}

// shown returns the name of the schema and the example of the only content.
func (c content) shown() (schema, example string) {
	for _, m := range c.Content {
		schema, example = lastOf(m.Schema.Ref), pretty(m.Example)
	}
	return schema, example
}

// lastOf is the name at the end of a reference.
func lastOf(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

func pretty(v jsontext.Value) string {
	if len(v) == 0 {
		return ""
	}
	v = v.Clone()
	if err := v.Indent(jsontext.WithIndent("  ")); err != nil {
		return ""
	}
	return string(v)
}
