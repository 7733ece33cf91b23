package apiclient

import (
	"bytes"
	"encoding/json"
	"iter"
	"unicode/utf8"
)

// What follows takes JSON apart that json.Valid has accepted, without decoding
// what nobody asks for: a session is mostly URLs that let whoever has them into
// the browser. It costs half of what decoding into a struct does.

// members yields the members of an object, in their order: the names, and the
// values as they stand.
func members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		at := skipSpace(object, bytes.IndexByte(object, '{')+1)
		for object[at] != '}' {
			nameEnd := endOfValue(object, at)
			name := object[at+1 : nameEnd-1]
			if bytes.IndexByte(name, '\\') >= 0 {
				name = []byte(unquote(object[at:nameEnd]))
			}
			start := skipSpace(object, skipSpace(object, nameEnd)+1) // past the colon
			end := endOfValue(object, start)
			if !yield(name, object[start:end]) {
				return
			}
			at = nextItem(object, end)
		}
	}
}

// elements yields the elements of an array as they stand.
func elements(array []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		at := skipSpace(array, bytes.IndexByte(array, '[')+1)
		for array[at] != ']' {
			end := endOfValue(array, at)
			if !yield(array[at:end]) {
				return
			}
			at = nextItem(array, end)
		}
	}
}

// nextItem returns where the item after the one that ends at end begins, or the
// bracket that closes them all.
func nextItem(data []byte, end int) int {
	at := skipSpace(data, end)
	if data[at] == ',' {
		at = skipSpace(data, at+1)
	}
	return at
}

func skipSpace(data []byte, at int) int {
	for data[at] == ' ' || data[at] == '\n' || data[at] == '\r' || data[at] == '\t' {
		at++
	}
	return at
}

// endOfValue returns the end of the value that begins at at.
func endOfValue(data []byte, at int) int {
	switch data[at] {
	case '"':
		return endOfString(data, at)
	case '{', '[':
		return endOfBrackets(data, at)
	default: // a number, true, false or null
		if length := bytes.IndexAny(data[at:], ",]} \n\r\t"); length >= 0 {
			return at + length
		}
		return len(data)
	}
}

func endOfString(data []byte, at int) int {
	for at++; data[at] != '"'; at++ {
		if data[at] == '\\' {
			at++
		}
	}
	return at + 1
}

func endOfBrackets(data []byte, at int) int {
	for depth := 0; ; at++ {
		switch data[at] {
		case '"':
			at = endOfString(data, at) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
		}
	}
}

// unquote returns the text of a string. It does not hold on to the reply that
// the string stands in.
func unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // valid, as all of this
	return s
}
