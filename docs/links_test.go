package docs_test

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"browseruse_exporter/internal/exporter"
)

// pages returns the text of every page of the repository, without fenced code, by
// its path from here.
func pages(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != ".." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case filepath.Ext(path) == ".md":
			texts[path] = fence.ReplaceAllString(page(t, path), "")
		}
		return nil
	})
	if err != nil || len(texts) < 10 {
		t.Fatalf("%d pages: %v", len(texts), err)
	}
	return texts
}

var (
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	code    = regexp.MustCompile("`[^`\n]+`")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	comment = regexp.MustCompile(`(?m)//.*$`)
)

// TestLinksLeadSomewhere follows each link from a page to a file or to a heading.
func TestLinksLeadSomewhere(t *testing.T) {
	texts := pages(t)
	for path, text := range texts {
		for _, match := range link.FindAllStringSubmatch(code.ReplaceAllString(text, ""), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			name, anchor, hasAnchor := strings.Cut(match[1], "#")
			target := path
			if name != "" {
				target = filepath.Join(filepath.Dir(path), name)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", path, match[1], err)
			} else if hasAnchor && !anchors(texts[target])[anchor] {
				t.Errorf("%s links to %s, a heading that is not there", path, match[1])
			}
		}
	}
}

// anchors returns the anchors of a page's headings, by GitHub's rule.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		anchor := regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(match[1]), "")
		found[strings.ReplaceAll(anchor, " ", "-")] = true
	}
	return found
}

// TestTheReadmeLinksToEachPage keeps pages from being lost.
func TestTheReadmeLinksToEachPage(t *testing.T) {
	readme := page(t, "../README.md")
	for path := range pages(t) {
		name := strings.TrimPrefix(path, "../")
		if filepath.Dir(name) == "docs" && !strings.Contains(readme, "]("+name+")") {
			t.Errorf("README.md has no link to %s", name)
		}
	}
}

// TestTheCodeThatThePagesNameExists looks up the packages, the names in Go and the
// targets of make.
func TestTheCodeThatThePagesNameExists(t *testing.T) {
	var source strings.Builder
	for _, dir := range []string{"apiclient", "collector", "web", "web/statuspage"} {
		files, _ := filepath.Glob("../" + dir + "/*.go")
		for _, file := range files {
			source.WriteString(comment.ReplaceAllString(page(t, file), ""))
		}
	}
	architecture, contributing := page(t, "../ARCHITECTURE.md"), page(t, "../CONTRIBUTING.md")
	_, packages, _ := strings.Cut(contributing, "## Packages")
	for _, match := range regexp.MustCompile("`([A-Za-z./]+)`").FindAllStringSubmatch(architecture+packages, -1) {
		name := match[1][strings.LastIndex(match[1], ".")+1:]
		_, err := os.Stat("../" + match[1])
		if err != nil && !regexp.MustCompile(`\b`+name+`\b`).MatchString(source.String()) {
			t.Errorf("ARCHITECTURE.md or CONTRIBUTING.md names %s, which is no package and in none", match[1])
		}
	}
	for _, match := range regexp.MustCompile("`make (\\w+)`").FindAllStringSubmatch(contributing, -1) {
		if !strings.Contains(page(t, "../Makefile"), "\n"+match[1]+": ") {
			t.Errorf("CONTRIBUTING.md names make %s, which the Makefile does not have", match[1])
		}
	}
}

// TestEveryModuleIsLookedAfter checks that each module of the repository is tested
// and linted by CI, and kept up to date.
func TestEveryModuleIsLookedAfter(t *testing.T) {
	ci, updates := page(t, "../.ci/run"), page(t, "../.github/dependabot.yml")
	loops := regexp.MustCompile("(?m)^for module in (.*); do$").FindAllStringSubmatch(ci, -1)
	if len(loops) == 0 {
		t.Fatal(".ci/run has no loop over the modules")
	}
	for _, pattern := range []string{"../*/go.mod", "../*/*/go.mod"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			module := strings.TrimSuffix(strings.TrimPrefix(file, "../"), "/go.mod")
			for _, loop := range loops {
				if !slices.Contains(strings.Fields(loop[1]), module) {
					t.Errorf(".ci/run does not have the module %s in %q", module, loop[0])
				}
			}
			if !regexp.MustCompile(`[ ,]/` + module + `[],]`).MatchString(updates) {
				t.Errorf(".github/dependabot.yml does not have the module %s", module)
			}
		}
	}
}

// TestNamesOnThePagesExist looks up each flag, metric and alert that a page
// mentions.
func TestNamesOnThePagesExist(t *testing.T) {
	known := map[string]bool{"browseruse_exporter": true, "browseruse_session_": true} // the latter begins names
	for _, flag := range exporter.NewApp(&exporter.Config{}, io.Discard).Model().Flags {
		known["--"+flag.Name], known["--no-"+flag.Name], known["--[no-]"+flag.Name] = true, true, true
	}
	for _, metric := range regexp.MustCompile("(?m)^\\| `(browseruse_\\w+)`").FindAllStringSubmatch(page(t, "metrics.md"), -1) {
		known[metric[1]] = true
	}
	for _, rule := range regexp.MustCompile(`(?m)^ *- (?:alert|record): (\S+)$`).FindAllStringSubmatch(page(t, "../deploy/prometheus/rules.yml"), -1) {
		known[rule[1]] = true
	}
	name := regexp.MustCompile(`--(?:\[no-\])?[a-z-]+\.[a-z.-]*[a-z]|\bbrowseruse_\w+|\bBrowserUse[A-Z]\w+|\b\w+:browseruse_[\w:]+|browseruse:\w+`)
	for path, text := range pages(t) {
		for _, found := range name.FindAllString(text, -1) {
			if !known[found] {
				t.Errorf("%s mentions %s, which does not exist", path, found)
			}
		}
	}
}
