package apiclient

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzJSON compares what is taken apart by hand with what encoding/json makes of
// the same.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		oneSession, `{}`, `[]`, ` { } `, `{"a":{"b":[1,"]}",{"c":null}]},"a":2}`, `{ "a" : true , "b\u0022" : "\\\"" }`,
		`[1, "two", [3], {"four":4}, -5.0e+6 , false]`, "[\"\xff\"]", `"x"`, `{"":""}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) {
			return
		}
		var object map[string]json.RawMessage
		if startsObject(data) && json.Unmarshal(data, &object) == nil && utf8.Valid(data) {
			got := map[string][]byte{}
			for name, value := range members(data) {
				got[string(name)] = value
			}
			if len(got) != len(object) {
				t.Errorf("%q has members %q; want %q", data, got, object)
			}
			for name, want := range object {
				checkValue(t, got[name], want)
			}
		}
		var array []json.RawMessage
		if trimmed := bytes.TrimLeft(data, " \t\r\n"); trimmed[0] == '[' && json.Unmarshal(data, &array) == nil {
			n := 0
			for got := range elements(trimmed) {
				checkValue(t, got, array[n])
				n++
			}
			if n != len(array) {
				t.Errorf("%q has %d elements; want %d", data, n, len(array))
			}
		}
	})
}

func checkValue(t *testing.T, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("the value is %q; want %q", got, want)
	}
	var text string
	if len(want) > 0 && want[0] == '"' && json.Unmarshal(want, &text) == nil && unquote(got) != text {
		t.Errorf("%q is the text %q; want %q", got, unquote(got), text)
	}
}
