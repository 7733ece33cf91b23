package main

import "testing"

// TestEachPanelExplainsItself wants what a reader who was just woken needs.
func TestEachPanelExplainsItself(t *testing.T) {
	ids, titles := map[int]bool{}, map[string]bool{}
	for _, p := range read(t).Panels {
		if p.ID == 0 || ids[p.ID] {
			t.Errorf("panel %q has the ID %d, which is empty or another's", p.Title, p.ID)
		}
		if p.Title == "" || titles[p.Title] {
			t.Errorf("a panel's title is %q, which is empty or another's", p.Title)
		}
		ids[p.ID], titles[p.Title] = true, true
		if p.Type == "row" {
			continue
		}
		if p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.FieldConfig.Defaults.Thresholds.Steps) == 0 {
			t.Errorf("panel %q lacks a description, a unit or thresholds", p.Title)
		}
		if len(p.Targets) == 0 {
			t.Errorf("panel %q has no query", p.Title)
		}
	}
}

// TestOnlyGraphsLookBack wants instant queries wherever a panel says how things
// are: the last value of a range may be one from before the exporter died.
func TestOnlyGraphsLookBack(t *testing.T) {
	for _, p := range read(t).Panels {
		for _, target := range p.Targets {
			if graph := p.Type == "timeseries" || p.Type == "heatmap"; target.Range != graph || target.Instant == graph {
				t.Errorf("panel %q, a %s, has a query with instant %t and range %t: %s", p.Title, p.Type, target.Instant, target.Range, target.Expr)
			}
		}
	}
}

// TestPanelsFillTheirLines checks that no panel covers another or leaves the 24
// columns, and that no line has a hole.
func TestPanelsFillTheirLines(t *testing.T) {
	taken := map[[2]int]string{}
	height := 0
	for _, p := range read(t).Panels {
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("panel %q covers %q, or leaves the columns, at %d, %d", p.Title, other, x, y)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		height = max(height, p.GridPos.Y+p.GridPos.H)
	}
	if len(taken) != 24*height {
		t.Errorf("%d of %d places are taken", len(taken), 24*height)
	}
}
