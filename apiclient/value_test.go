package apiclient

import (
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestParseDecimal(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want float64
	}{
		"zero":                        {"0", 0},
		"19 digits after the point":   {"5.8607378005981443438", 5.8607378005981443438},
		"29 digits after the point":   {"0.02861688379198312667871093750", 0.0286168837919831266787109375},
		"28 significant digits":       {"0.0006666666666666666666666666667", 0.0006666666666666666666666666667},
		"an exponent, as below 1e-6":  {"9.313E-7", 9.313e-7},
		"an exponent in lower case":   {"9.313e-7", 9.313e-7},
		"an exponent with a plus":     {"1E+3", 1000},
		"a zero with an exponent":     {"0E-20", 0},
		"a zero, absurdly scaled":     {"0E999999999999", 0},
		"a leading plus":              {"+1.5", 1.5},
		"a leading minus":             {"-1.5", -1.5},
		"a negative zero":             {"-0", 0},
		"leading zeros":               {"007.50", 7.5},
		"a trailing point":            {"5.", 5},
		"a leading point":             {".5", 0.5},
		"too small for a float64":     {"1E-400", 0},
		"the largest float64":         {"1.7976931348623157E308", 1.7976931348623157e308},
		"more digits than anyone has": {strings.Repeat("0", 5000) + "1", 1},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseDecimal(test.text)
			if err != nil || got != test.want {
				t.Errorf("parseDecimal(%q) = %v, %v; want %v", test.text, got, err, test.want)
			}
		})
	}
	for name, text := range map[string]string{
		"nothing": "", "not a number": "NaN", "in lower case": "nan", "infinity": "Infinity", "inf": "Inf", "minus inf": "-inf",
		"hex": "0x1p-2", "hex integer": "0x10", "underscores": "1_000", "a space before": " 1", "a space after": "1 ", "a line end": "1\n",
		"a lone point": ".", "a lone plus": "+", "a lone minus": "-", "a lone sign and point": "-.", "two signs": "+-1", "two points": "1.2.3",
		"a lone exponent": "E5", "an empty exponent": "1E", "an exponent of a sign": "1E-", "a fraction in the exponent": "1E1.5",
		"a comma": "1,5", "digits of another script": "١", "a text": "free", "too large for a float64": "1E309", "too large and negative": "-1E309",
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			if got, err := parseDecimal(text); err == nil {
				t.Errorf("parseDecimal(%q) = %v; want an error", text, got)
			}
		})
	}
}

func TestParseTime(t *testing.T) {
	whole := time.Date(2026, 8, 13, 3, 3, 24, 0, time.UTC)
	micros := whole.Add(128508 * time.Microsecond)
	for name, test := range map[string]struct {
		text string
		want time.Time
	}{
		"microseconds and Z":             {"2026-08-13T03:03:24.128508Z", micros},
		"no fraction":                    {"2026-08-13T03:03:24Z", whole},
		"no offset is UTC":               {"2026-08-13T03:03:24.128508", micros},
		"neither fraction nor offset":    {"2026-08-13T03:03:24", whole},
		"an offset of nothing":           {"2026-08-13T03:03:24.128508+00:00", micros},
		"an offset east":                 {"2026-08-13T05:03:24.128508+02:00", micros},
		"an offset west of half an hour": {"2026-08-12T23:33:24-03:30", whole},
		"nanoseconds":                    {"2026-08-13T03:03:24.128508000Z", micros},
		"a comma for the point":          {"2026-08-13T03:03:24,5Z", whole.Add(500 * time.Millisecond)},
		"one digit of an hour":           {"2026-08-13T3:03:24Z", whole},
		"the last second of year 9999":   {"9999-12-31T23:59:59Z", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
		"one digit of a fraction":        {"2026-08-13T03:03:24.5Z", whole.Add(500 * time.Millisecond)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseTime(test.text)
			if err != nil || !got.Equal(test.want) || got.Location() != time.UTC {
				t.Errorf("parseTime(%q) = %v, %v; want %v", test.text, got, err, test.want)
			}
		})
	}
	for name, text := range map[string]string{
		"nothing": "", "a date": "2026-08-13", "a space for the T": "2026-08-13 03:03:24Z", "no such month": "2026-13-13T03:03:24Z", "no such hour": "2026-08-13T25:03:24Z",
		"seconds since the epoch": "1786590204", "two offsets": "2026-08-13T03:03:24+00:00Z", "words": "yesterday", "the year 10000": "9999-12-31T23:59:59-01:00", "the year 0": "0001-01-01T00:00:00+01:00", "a bare point": "2026-08-13T03:03:24.Z",
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			if got, err := parseTime(text); err == nil {
				t.Errorf("parseTime(%q) = %v; want an error", text, got)
			}
		})
	}
}

func TestParseID(t *testing.T) {
	const id = "5d1f0c3e-6b1a-4c8e-9f57-0a2b3c4d5e6f"
	for name, text := range map[string]string{"lower case": id, "upper case": strings.ToUpper(id)} {
		t.Run(name, func(t *testing.T) {
			if got, err := ParseID(text); err != nil || got != id {
				t.Errorf("ParseID(%q) = %q, %v; want %q", text, got, err, id)
			}
		})
	}
	for name, text := range map[string]string{
		"nothing": "", "in braces": "{" + id + "}", "as a URN": "urn:uuid:" + id, "without hyphens": strings.ReplaceAll(id, "-", ""),
		"a path": "../../../../../../../../../../billing", "too long": id + "0", "a space after": id[:35] + " ",
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			if got, err := ParseID(text); err == nil {
				t.Errorf("ParseID(%q) = %q; want an error", text, got)
			}
		})
	}
}

// FuzzDecimal holds parseDecimal to another implementation, that of math/big,
// on whatever the contract lets in, and to a refusal of the rest.
func FuzzDecimal(f *testing.F) {
	for _, seed := range []string{"0", "5.8607378005981443438", "9.313E-7", "0E-20", "+1.", ".5", "NaN", "0x1p-2", "1_000", "1E309", "-0", ".", ""} {
		f.Add(seed)
	}
	contract := regexp.MustCompile(`^[+-]?(\d+|\d+\.\d*|\.\d+)([eE][+-]?\d+)?$`)
	hugeExponent := regexp.MustCompile(`[eE][+-]?0*[1-9]\d{3}`) // math/big would need all the memory there is
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseDecimal(text)
		if !contract.MatchString(text) {
			if err == nil {
				t.Fatalf("parseDecimal(%q) = %v; the contract refuses it", text, got)
			}
			return
		}
		if hugeExponent.MatchString(text) {
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("math/big refuses %q", text)
		}
		want, _ := exact.Float64()
		switch inRange := want-want == 0; {
		case inRange && (err != nil || got != want):
			t.Errorf("parseDecimal(%q) = %v, %v; want %v", text, got, err, want)
		case !inRange && err == nil:
			t.Errorf("parseDecimal(%q) = %v; want an error", text, got)
		}
	})
}

// FuzzTime checks that a time that is taken survives being written and read
// again, and that none is taken that does not begin like one.
func FuzzTime(f *testing.F) {
	for _, seed := range []string{"2026-08-13T03:03:24.128508Z", "2025-09-17T04:35:36.049892", "2026-08-13T05:03:24+02:00", "2026-08-13T03:03:24,5Z", "", "now"} {
		f.Add(seed)
	}
	form := regexp.MustCompile(`^[0-9]{4}(-[0-9]{2}){2}T[0-9]{1,2}(:[0-9]{2}){2}([.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?$`)
	f.Fuzz(func(t *testing.T, text string) {
		at, err := parseTime(text)
		if err != nil {
			return
		}
		if !form.MatchString(text) {
			t.Fatalf("parseTime(%q) = %v; the contract refuses it", text, at)
		}
		if again, err := parseTime(at.Format(time.RFC3339Nano)); at.Year() > 0 && at.Year() < 9999 && (err != nil || !again.Equal(at)) {
			t.Errorf("parseTime(%q) = %v, which reads back as %v, %v", text, at, again, err)
		}
	})
}
