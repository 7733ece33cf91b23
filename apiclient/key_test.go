package apiclient

import (
	"strings"
	"testing"
)

func TestParseKey(t *testing.T) {
	for name, content := range map[string]string{
		"alone": "bu_secret", "a line": "bu_secret\n", "with white space": " \tbu_secret\r\n", "with a byte order mark": "\uFEFFbu_secret\n",
	} {
		if key, err := ParseKey([]byte(content)); key != "bu_secret" || err != nil {
			t.Errorf("%s: %q, %v", name, key, err)
		}
	}
	for _, content := range []string{"another_form", "bu_secret=="} {
		if key, err := ParseKey([]byte(content)); key != content || err != nil {
			t.Errorf("%q is read as %q, %v", content, key, err)
		}
	}
	for content, want := range map[string]string{
		"": "no API key", "\uFEFF\n": "no API key", "bu_secret\nbu_secret": "one line", "bu_sécret": "printable ASCII",
		`"bu_secret"`: "quotes", "'secret'": "quotes", `bu_secret"`: "quotes", "`bu_secret`": "quotes",
		"BROWSER_USE_API_KEY=bu_secret": "name", "KEY=secret": "name", "key:bu_secret": "name", "export KEY=bu_secret": "one line",
	} {
		if key, err := ParseKey([]byte(content)); key != "" || err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %q, %v; want an error with %q", content, key, err, want)
		}
	}
}
