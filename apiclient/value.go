package apiclient

import (
	"errors"
	"regexp"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// decimalForm is what the API's decimals look like: the pattern of its page,
// and the exponent with which Python writes what is below 1e-6 (inferred). It
// leaves out what else strconv takes for a float: NaN, Inf, hex, underscores.
var decimalForm = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

// parseDecimal reads a decimal number as the API writes it. The result is the
// float64 nearest to it; what is too large for one is refused.
func parseDecimal(s string) (float64, error) {
	if !decimalForm.MatchString(s) {
		return 0, errors.New("not a decimal number")
	}
	value, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, errors.New("a decimal number out of range")
	}
	return value + 0, nil // + 0 makes 0 of -0
}

// timeForm is what the API's times look like: RFC 3339, or, as another version
// of the API was seen to write them, the same without an offset. It leaves out
// what else Go takes for RFC 3339: a comma for the point, an hour of one digit.
var timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$`)

// parseTime reads a time as the API writes it. One without an offset is UTC.
func parseTime(s string) (time.Time, error) {
	form := timeForm.FindStringSubmatch(s)
	if form != nil && form[2] == "" {
		s += "Z"
	}
	at, err := time.Parse(time.RFC3339, s)
	if form == nil || err != nil {
		return time.Time{}, errors.New("not an RFC 3339 time")
	}
	return at.UTC(), nil
}

// ParseID reads the ID of a session, a UUID in its usual form of 36 characters,
// and returns it in lower case.
func ParseID(s string) (string, error) {
	const length = len("00000000-0000-0000-0000-000000000000")
	id, err := uuid.Parse(s)
	if err != nil || len(s) != length {
		return "", errors.New("not a UUID")
	}
	return id.String(), nil
}
