package apiclient

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// Names that stand twice, and text that is not UTF-8, are no reason to lose a
// session's costs: the last name counts, and broken text is replaced.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// decodeObject decodes body, which must be exactly one JSON object. Its error
// quotes nothing of body.
func decodeObject(body []byte, wire any) error {
	if body = bytes.TrimLeft(body, " \t\r\n"); len(body) == 0 || body[0] != '{' {
		return errors.New("not a JSON object")
	}
	if json.Unmarshal(body, wire, lenient) != nil {
		return errors.New("not exactly one JSON object of the expected shape")
	}
	return nil
}

// state is how a field of a JSON object was found.
type state uint8

const (
	absent  state = iota
	null          // there, but null
	invalid       // of another type
	valid
)

// text is a field that holds a string.
type text struct {
	value string // "" unless valid
	state state
}

// UnmarshalJSONFrom never fails for what is valid JSON, so that a field spoils no
// other.
func (t *text) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '"':
		token, err := d.ReadToken()
		*t = text{value: token.String(), state: valid} // broken UTF-8 is replaced
		return err
	case 'n':
		t.state = null
	default:
		t.state = invalid
	}
	return d.SkipValue()
}

// number is a field that holds a decimal number, as a string or as a JSON number.
type number struct {
	value float64 // 0 unless valid
	state state
}

// UnmarshalJSONFrom never fails for what is valid JSON, so that a field spoils no
// other.
func (n *number) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '"', '0':
		token, err := d.ReadToken()
		if err != nil {
			return err
		}
		*n = number{state: invalid}
		if value, err := parseDecimal(token.String()); err == nil {
			*n = number{value: value, state: valid}
		}
		return nil
	case 'n':
		n.state = null
	default:
		n.state = invalid
	}
	return d.SkipValue()
}

// parseDecimal returns the float64 nearest to a decimal number as the API writes
// it: the pattern of its page, and the exponent with which Python writes what is
// below 1e-6 (inferred). What is too large for a float64 is an error, and so is
// what else Go takes for one: NaN, Inf, hex, underscores.
func parseDecimal(s string) (float64, error) {
	if strings.Trim(s, "+-.0123456789eE") != "" {
		return 0, errors.New("not a decimal number")
	}
	value, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, errors.New("not a decimal number in range")
	}
	return value + 0, nil // + 0 makes 0 of -0
}

// parseTime returns a time as the API writes it, in UTC: RFC 3339, or, as another
// version of the API was seen to write it, the same without an offset, which is
// UTC. Only the years 1 to 9999 have a form in JSON.
func parseTime(s string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		at, err = time.Parse(time.RFC3339, s+"Z")
	}
	if at = at.UTC(); err != nil || at.Year() < 1 || at.Year() > 9999 {
		return time.Time{}, errors.New("not an RFC 3339 time of the years 1 to 9999")
	}
	return at, nil
}

// ParseID returns the ID of a session, a UUID in its usual form of 36 characters,
// in lower case.
func ParseID(s string) (string, error) {
	const length = len("00000000-0000-0000-0000-000000000000")
	if len(s) != length || uuid.Validate(s) != nil {
		return "", errors.New("not a UUID")
	}
	return strings.ToLower(s), nil
}

// decodeMetadata returns the texts that an object of labels has for these keys, or
// nil for none.
func decodeMetadata(raw jsontext.Value, keys []string) map[string]string {
	if len(keys) == 0 || raw.Kind() != '{' {
		return nil
	}
	var labels map[string]text
	if json.Unmarshal(raw, &labels, lenient) != nil {
		return nil
	}
	var metadata map[string]string
	for key, label := range labels {
		if label.state == valid && slices.Contains(keys, key) {
			if metadata == nil {
				metadata = make(map[string]string, len(keys))
			}
			metadata[key] = label.value
		}
	}
	return metadata
}
