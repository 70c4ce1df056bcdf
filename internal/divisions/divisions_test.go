package divisions_test

import (
	"slices"
	"testing"

	"qingyuan/internal/divisions"
)

func TestSubtree(t *testing.T) {
	t.Parallel()
	var names []string
	for _, d := range divisions.Subtree("140700", -1) {
		names = append(names, d.Code+d.Name)
	}
	want := []string{
		"140700晋中市", "140702榆次区", "140703太谷区", "140721榆社县", "140722左权县", "140723和顺县", "140724昔阳县",
		"140725寿阳县", "140727祁县", "140728平遥县", "140729灵石县", "140781介休市",
	}
	if !slices.Equal(names, want) {
		t.Errorf("晋中市 is %v", names)
	}
	if n := len(divisions.Subtree("140000", 1)); n != 12 {
		t.Errorf("山西省 with its cities has %d divisions, want 12", n)
	}
	if n := len(divisions.Subtree("140000", 0)); n != 1 {
		t.Errorf("山西省 alone has %d divisions", n)
	}
	if divisions.Subtree("999999", -1) != nil {
		t.Error("a division that is none has a subtree")
	}
}

// TestList looks at all of it: every division but the provinces hangs below another,
// and nothing is lost on the way down.
func TestList(t *testing.T) {
	t.Parallel()
	provinces := divisions.Below("")
	if len(provinces) != 34 {
		t.Errorf("%d provinces, want 34", len(provinces))
	}
	seen := map[string]bool{}
	for _, p := range provinces {
		if p.Code[2:] != "0000" {
			t.Errorf("%s %s hangs below nothing", p.Code, p.Name)
		}
		for _, d := range divisions.Subtree(p.Code, -1) {
			if seen[d.Code] || d.Name == "" || d.Code[:2] != p.Code[:2] {
				t.Errorf("%+v stands below %s", d, p.Name)
			}
			seen[d.Code] = true
			if found, ok := divisions.Find(d.Code); !ok || found != d {
				t.Errorf("%s cannot be found", d.Code)
			}
		}
	}
	if len(seen) < 3200 {
		t.Errorf("%d divisions", len(seen))
	}
}
