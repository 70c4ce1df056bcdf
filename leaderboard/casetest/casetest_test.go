package casetest_test

import (
	"strings"
	"testing"

	"qingyuan/leaderboard/casetest"
)

// TestNothingUnknownIsPassedOver: what a file says and nobody understands would be
// an answer that nobody checked.
func TestNothingUnknownIsPassedOver(t *testing.T) {
	t.Parallel()
	const ask = `"queries":[{"q":"count","expect":0}]`
	for says, file := range map[string]string{
		"there is none":                       `[]`,
		`"x": it asks nothing`:                `[{"name":"x","board_rule":{},"ops":[],"queries":[]}]`,
		`operation "dance" is not known`:      `[{"name":"x","board_rule":{},"ops":[{"op":"dance"}],` + ask + `}]`,
		`query 0, "count", expects nothing`:   `[{"name":"x","queries":[{"q":"count"}]}]`,
		`query "fame" is not known`:           `[{"name":"x","queries":[{"q":"fame","expect":1}]}]`,
		`query "unit_board" is not known`:     `[{"name":"x","queries":[{"q":"unit_board","expect":[]}]}]`,
		`query "ranks" is not known`:          `[{"name":"x","board_rule":{"kind":"signatures"},"queries":[{"q":"ranks","expect":[]}]}]`,
		`unknown field "speed"`:               `[{"name":"x","board_rule":{"speed":1},` + ask + `}]`,
		`unknown field "colour"`:              `[{"name":"x","ops":[{"op":"submit","colour":1}],` + ask + `}]`,
		`unknown field "how"`:                 `[{"name":"x","queries":[{"q":"count","how":1,"expect":0}]}]`,
		`rule kind "village" is not known`:    `[{"name":"x","board_rule":{"kind":"village"},"queries":[{"q":"unit_board","expect":[]}]}]`,
		`rule policy "worst" is not known`:    `[{"name":"x","board_rule":{"policy":"worst"},` + ask + `}]`,
		`rule tie "fame_desc" is not known`:   `[{"name":"x","board_rule":{"tie":"fame_desc"},` + ask + `}]`,
		`rule clamp 95`:                       `[{"name":"x","board_rule":{"clamp":95},` + ask + `}]`,
		`rates of region "r"`:                 `[{"name":"x","board_rule":{"kind":"composite"},"ops":[{"op":"region","region":"r","rates":[]}],"queries":[{"q":"composite","expect":[]}]}]`,
		`1.0005 s are no whole milliseconds`:  `[{"name":"x","ops":[{"op":"submit","at":1.0005}],` + ask + `}]`,
		`invalid character`:                   `[{]`,
		`something follows the end`:           `[{"name":"x",` + ask + `}] []`,
		`cases of nowhere.json: no such file`: "",
	} {
		var err error
		if file == "" {
			_, err = casetest.Read("nowhere.json")
			says = "nowhere.json: no such file"
		} else {
			_, err = casetest.Parse([]byte(file))
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want an error that says %q", file, err, says)
		}
	}
	if _, err := casetest.Parse([]byte(`{"cases":[{"name":"x",` + ask + `}]}`)); err != nil {
		t.Errorf("an object with cases: %v", err)
	}
}
