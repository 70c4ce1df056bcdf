package httpapi

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v3"
)

//go:embed openapi.yaml
var specYAML []byte

// contractPages is the embedded contract and the pages that show it, the same for every
// server of the process: it is long, and read once.
var contractPages = sync.OnceValues(func() (*encoded, *site) {
	spec, doc := mustSpec()
	return spec, mustSite(doc)
})

// mustSpec turns the embedded contract into what is served. A fault in it is a
// build mistake, found by every test.
func mustSpec() (*encoded, *document) {
	var tree map[string]any
	if err := yaml.Unmarshal(specYAML, &tree); err != nil {
		panic(fmt.Errorf("openapi.yaml: %w", err))
	}
	body, err := json.Marshal(tree, json.Deterministic(true))
	if err != nil {
		panic(fmt.Errorf("openapi.yaml: %w", err))
	}
	doc, err := newDocument(body)
	if err != nil {
		panic(fmt.Errorf("openapi.yaml: %w", err))
	}
	return &encoded{body, tagOf(body, volatileTime)}, doc
}

// showSpec handles GET /openapi.json.
func (s *Server) showSpec(k *call) error { return k.sendEncoded(s.state.spec, cacheStatic) }
