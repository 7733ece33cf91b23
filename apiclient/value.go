package apiclient

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// parseDecimal reads a decimal number as the API writes it. The result is the
// float64 nearest to it; what is too large for one is refused.
func parseDecimal(s string) (float64, error) {
	if !isDecimal(s) {
		return 0, errors.New("not a decimal number")
	}
	value, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, errors.New("a decimal number out of range")
	}
	return value + 0, nil // + 0 makes 0 of -0
}

// isDecimal says whether s looks like the API's decimals: the pattern of its
// page, and the exponent with which Python writes what is below 1e-6 (inferred).
// It leaves out what else strconv takes for a float: NaN, Inf, hex, underscores.
func isDecimal(s string) bool {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	rest := skipDigits(s)
	digits := len(s) - len(rest)
	if rest != "" && rest[0] == '.' {
		fraction := skipDigits(rest[1:])
		digits += len(rest) - 1 - len(fraction)
		rest = fraction
	}
	if digits == 0 {
		return false
	}
	if rest == "" {
		return true
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return false
	}
	rest = rest[1:]
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	return rest != "" && skipDigits(rest) == ""
}

// skipDigits returns what follows the digits at the beginning of s.
func skipDigits(s string) string {
	for s != "" && s[0] >= '0' && s[0] <= '9' {
		s = s[1:]
	}
	return s
}

// parseTime reads a time as the API writes it. One without an offset is UTC.
func parseTime(s string) (time.Time, error) {
	ok, hasOffset := isTime(s)
	if ok && !hasOffset {
		s += "Z"
	}
	at, err := time.Parse(time.RFC3339, s)
	if !ok || err != nil {
		return time.Time{}, errors.New("not an RFC 3339 time")
	}
	return at.UTC(), nil
}

// isTime says whether s looks like the API's times: RFC 3339, or, as another
// version of the API was seen to write them, the same without an offset. It
// leaves out what else Go takes for RFC 3339: a comma for the point, an hour of
// one digit.
func isTime(s string) (ok, hasOffset bool) {
	const second = "0000-00-00T00:00:00"
	if len(s) < len(second) || !hasForm(s[:len(second)], second) {
		return false, false
	}
	offset := s[len(second):]
	if offset != "" && offset[0] == '.' {
		fraction := offset[1:]
		if offset = skipDigits(fraction); len(offset) == len(fraction) {
			return false, false
		}
	}
	switch offset {
	case "":
		return true, false
	case "Z":
		return true, true
	default:
		return hasForm(offset, "+00:00") || hasForm(offset, "-00:00"), true
	}
}

// hasForm says whether s is form, with any digits for its zeros.
func hasForm(s, form string) bool {
	if len(s) != len(form) {
		return false
	}
	for i := range len(s) {
		isDigit := s[i] >= '0' && s[i] <= '9'
		if form[i] == '0' && !isDigit || form[i] != '0' && s[i] != form[i] {
			return false
		}
	}
	return true
}

// ParseID reads the ID of a session, a UUID in its usual form of 36 characters,
// and returns it in lower case.
func ParseID(s string) (string, error) {
	const length = len("00000000-0000-0000-0000-000000000000")
	if len(s) != length || uuid.Validate(s) != nil {
		return "", errors.New("not a UUID")
	}
	return strings.ToLower(s), nil
}
