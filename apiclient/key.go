package apiclient

import (
	"errors"
	"strings"
)

// keyPrefix begins every API key.
const keyPrefix = "bu_"

// ParseKey returns the API key that is the whole of content, but for white space
// around it and a byte order mark. Its error shows nothing of content.
func ParseKey(content []byte) (string, error) {
	key := strings.TrimSpace(strings.TrimPrefix(string(content), "\uFEFF"))
	if key == "" {
		return "", errors.New("holds no API key")
	}
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return "", errors.New("holds no API key: one line of printable ASCII without spaces is wanted")
		}
	}
	switch {
	case strings.ContainsAny(key, "\"'`"):
		return "", errors.New("has quotes in it: the API key alone is wanted, without them")
	case strings.Index(key, keyPrefix) > 0, !strings.HasPrefix(key, keyPrefix) && strings.Contains(key, "="):
		return "", errors.New("has a name or other text before the API key: the key alone is wanted")
	}
	return key, nil
}
