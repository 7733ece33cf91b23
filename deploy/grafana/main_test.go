package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// model is the dashboard as Grafana reads it, as far as the tests look at it.
type model struct {
	Panels []struct {
		ID          int    `json:"id"`
		Type        string `json:"type"`
		Title       string `json:"title"`
		Description string `json:"description"`
		GridPos     struct{ H, W, X, Y int }
		Targets     []struct {
			RefID string `json:"refId"`
			Expr  string `json:"expr"`
		} `json:"targets"`
		FieldConfig struct {
			Defaults struct {
				Unit       string `json:"unit"`
				Thresholds struct {
					Steps []struct{ Color string } `json:"steps"`
				} `json:"thresholds"`
			} `json:"defaults"`
			Overrides []struct {
				Matcher struct{ ID, Options string } `json:"matcher"`
			} `json:"overrides"`
		} `json:"fieldConfig"`
		Transformations []struct {
			ID      string `json:"id"`
			Options struct {
				RenameByName map[string]string `json:"renameByName"`
			} `json:"options"`
		} `json:"transformations"`
	} `json:"panels"`
	Templating struct {
		List []struct {
			Name string `json:"name"`
		} `json:"list"`
	} `json:"templating"`
}

func TestTheDashboardIsCurrent(t *testing.T) {
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the code says; run: go run .", file)
	}
}

func read(t *testing.T) model {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var m model
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestEachPanelExplainsItself wants what a reader who was just woken needs.
func TestEachPanelExplainsItself(t *testing.T) {
	ids, titles := map[int]bool{}, map[string]bool{}
	for _, p := range read(t).Panels {
		if p.ID == 0 || ids[p.ID] {
			t.Errorf("panel %q has the ID %d, which is none or another's", p.Title, p.ID)
		}
		if p.Title == "" || titles[p.Title] {
			t.Errorf("a panel's title is %q, which is none or another's", p.Title)
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

// TestNamesAreThere checks what one part names of another: variables, queries
// that an override is about, and columns.
func TestNamesAreThere(t *testing.T) {
	m := read(t)
	variables := map[string]bool{"__rate_interval": true}
	for _, v := range m.Templating.List {
		variables[v.Name] = true
	}
	for _, p := range m.Panels {
		names := map[string]bool{}
		for _, target := range p.Targets {
			names[target.RefID] = true
			for _, match := range regexp.MustCompile(`\$\{?(\w+)`).FindAllStringSubmatch(target.Expr, -1) {
				if !variables[match[1]] {
					t.Errorf("panel %q has no variable %s: %s", p.Title, match[1], target.Expr)
				}
			}
		}
		for _, transformation := range p.Transformations {
			for column, name := range transformation.Options.RenameByName {
				names[name] = true
				if ref, ok := strings.CutPrefix(column, "Value #"); ok && !names[ref] {
					t.Errorf("panel %q renames the column of query %s, which it does not have", p.Title, ref)
				}
			}
		}
		for _, override := range p.FieldConfig.Overrides {
			if !names[override.Matcher.Options] {
				t.Errorf("panel %q has an override for %q, which it does not have", p.Title, override.Matcher.Options)
			}
		}
	}
}
