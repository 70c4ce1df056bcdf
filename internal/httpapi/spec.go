package httpapi

import (
	_ "embed"
	"fmt"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v3"
)

//go:embed openapi.yaml
var specYAML []byte

// spec is the contract as it is served.
type spec struct {
	doc  document
	json *encoded
}

// mustSpec reads the embedded contract. A fault in it is a build mistake, found
// by every test.
func mustSpec() *spec {
	var tree map[string]any
	if err := yaml.Unmarshal(specYAML, &tree); err != nil {
		panic(fmt.Errorf("openapi.yaml: %w", err))
	}
	e, err := encode(tree, "")
	if err != nil {
		panic(err)
	}
	s := &spec{json: e}
	if err := json.Unmarshal(e.body, &s.doc); err != nil {
		panic(fmt.Errorf("openapi.yaml: %w", err))
	}
	return s
}

// showSpec handles GET /openapi.json.
func (s *Server) showSpec(k *call) error { return k.sendEncoded(s.state.spec.json, cacheStatic) }
