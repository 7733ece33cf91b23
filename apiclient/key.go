package apiclient

import (
	"errors"
	"strings"
)

// ParseKey reads an API key, white space around it left out. Its error shows
// nothing of the key.
func ParseKey(content []byte) (string, error) {
	key := strings.TrimSpace(string(content))
	if key == "" {
		return "", errors.New("holds no API key")
	}
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return "", errors.New("holds no API key: one line of printable ASCII without spaces is wanted")
		}
	}
	return key, nil
}
