// Package redact decides what may be shown of a text that the program did not
// write. A value that an operator gave, or a library's error that quotes one,
// can hold an API key that landed in the wrong place.
package redact

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
)

const (
	hidden   = "(not shown, it may hold a key)"
	maxBytes = 200 // of a value; paths of files are the longest
)

// Value returns s as far as it may be shown: nothing of it if an API key is in
// it, nor what follows an = or a :, where a secret follows its name.
func Value(s string) string {
	if HoldsKey(s) {
		return hidden
	}
	end := min(len(s), maxBytes)
	if i := strings.IndexAny(s, "=:"); i >= 0 {
		end = min(end, i+1)
	}
	if end == len(s) {
		return s
	}
	return strings.ToValidUTF8(s[:end], "") + "..."
}

// Quote returns Value(s) in quotes, or nothing of it if what escapes are written
// with reads like a key.
func Quote(s string) string {
	quoted := strconv.Quote(Value(s))
	if HoldsKey(s) || HoldsKey(quoted) {
		return hidden
	}
	return quoted
}

// Text returns a message as one line, without the words that hold an API key.
func Text(s string) string {
	words := strings.Fields(s)
	for i, word := range words {
		if HoldsKey(word) {
			words[i] = hidden
		}
	}
	return strings.Join(words, " ")
}

// yamlValue is the beginning of a value of a file, as errors of YAML quote it.
var yamlValue = regexp.MustCompile("`[^`]*`")

// Error returns a library's error for an operator to read: a path in it is
// shown as Value shows it, and a value of a YAML file is not.
func Error(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s %s: %w", path.Op, Value(path.Path), path.Err)
	}
	return errors.New(Text(yamlValue.ReplaceAllString(err.Error(), hidden)))
}

// HoldsKey reports whether what every API key begins with is anywhere in s. Some
// formats write a backspace as \b.
func HoldsKey(s string) bool {
	s = strings.ToLower(s)
	return strings.Contains(s, "bu_") || strings.Contains(s, "\bu_")
}
