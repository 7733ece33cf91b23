package redact_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"browseruse_exporter/internal/redact"
)

const hidden = "(not shown, it may hold a key)"

func TestQuote(t *testing.T) {
	for value, want := range map[string]string{
		"":                               `""`,
		"42":                             `"42"`,
		"two\nlines":                     `"two\nlines"`,
		"bu_secret":                      hidden,
		"BU_SECRET":                      hidden,
		"Key: bu_secret":                 hidden,
		"BROWSER_USE_API_KEY=bu_secret":  hidden,
		"BROWSER_USE_API_KEY=secret":     `"BROWSER_USE_API_KEY=..."`,
		"Key: secret":                    `"Key:..."`,
		"https://example.com/?token=key": `"https:..."`,
		"name=":                          `"name="`,
		strings.Repeat("é", 200):         `"` + strings.Repeat("é", 100) + `..."`,
	} {
		if got := redact.Quote(value); got != want {
			t.Errorf("Quote(%q) = %s; want %s", value, got, want)
		}
	}
}

func TestError(t *testing.T) {
	for want, err := range map[string]error{
		"open " + hidden + ": file does not exist":  &fs.PathError{Op: "open", Path: "bu_secret", Err: fs.ErrNotExist},
		"open KEY=...: file does not exist":         &fs.PathError{Op: "open", Path: "KEY=secret", Err: fs.ErrNotExist},
		"line 1: cannot unmarshal " + hidden:        errors.New("line 1:\n cannot unmarshal `secr...`"),
		"unexpected " + hidden + " after a flag":    errors.New("unexpected 'x:bu_secret' after a flag"),
		"listen tcp 127.0.0.1:1: permission denied": errors.New("listen tcp 127.0.0.1:1: permission denied"),
	} {
		if got := redact.Error(err).Error(); got != want {
			t.Errorf("%q is shown as %q; want %q", err, got, want)
		}
	}
	if err := redact.Error(&fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v no longer is the error of a missing file", err)
	}
}

// FuzzRedact checks that no key comes out, nor a value behind its name.
func FuzzRedact(f *testing.F) {
	for _, seed := range []string{"", "42", "bu_", "key=bu_x", "a:b", "`bu_`", "\bu_x", "B\u0130U_", strings.Repeat("=", 300), strings.Repeat("x", 199) + "bu_"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		path := &fs.PathError{Op: "open", Path: s, Err: fs.ErrNotExist}
		for name, got := range map[string]string{
			"Value": redact.Value(s), "Quote": redact.Quote(s), "Text": redact.Text(s),
			"Error": redact.Error(errors.New(s)).Error(), "Error of a path": redact.Error(path).Error(),
		} {
			if strings.Contains(strings.ToLower(got), "bu_") {
				t.Errorf("%s of %q is %q", name, s, got)
			}
		}
		got := redact.Value(s)
		if _, behind, _ := strings.Cut(strings.ReplaceAll(got, "=", ":"), ":"); behind != "" && behind != "..." {
			t.Errorf("Value(%q) = %q shows what follows a name", s, got)
		}
	})
}
