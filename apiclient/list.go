package apiclient

import (
	"errors"
	"fmt"
	"strconv"
)

// Page is one page of the list of sessions.
type Page struct {
	Sessions []Session
	Bad      []BadItem
	Total    int // sessions on all pages together, as the API says
}

// BadItem is an item of a page that could not be read.
type BadItem struct {
	ID  string // of the session, as far as the item tells; else ""
	Err *Error
}

// decodePage takes a reply apart that must be the page asked for. An item that
// is no session spoils itself alone.
func decodePage(body []byte, page int) (Page, error) {
	if err := checkObject(body); err != nil {
		return Page{}, err
	}
	wire := map[string][]byte{}
	for name, value := range members(body) {
		wire[string(name)] = value
	}
	total, okTotal := wholeNumber(wire["totalItems"])
	number, okNumber := wholeNumber(wire["pageNumber"])
	size, okSize := wholeNumber(wire["pageSize"])
	switch items := wire["items"]; {
	case len(items) == 0 || items[0] != '[':
		return Page{}, errors.New("items: not a list")
	case !okTotal:
		return Page{}, errors.New("totalItems: not a number of items")
	case !okNumber || number != page:
		return Page{}, errors.New("pageNumber: not the page asked for")
	case !okSize || size != PageSize:
		return Page{}, errors.New("pageSize: not the size asked for")
	}
	result := Page{Total: total, Sessions: make([]Session, 0, min(total, PageSize))}
	for item := range elements(wire["items"]) {
		if len(result.Sessions)+len(result.Bad) == PageSize {
			return Page{}, fmt.Errorf("items: more than the %d asked for", PageSize)
		}
		session, err := decodeItem(item)
		if err != nil {
			result.Bad = append(result.Bad, BadItem{ID: itemID(item), Err: &Error{
				Endpoint: EndpointBrowsers, Reason: ReasonInvalidResponse, Status: 200, Err: err,
			}})
			continue
		}
		result.Sessions = append(result.Sessions, session)
	}
	return result, nil
}

// wholeNumber reads a number of things.
func wholeNumber(raw []byte) (int, bool) {
	n, err := strconv.Atoi(string(raw))
	return n, err == nil && n >= 0
}

// decodeItem takes an item apart, which is valid JSON, but perhaps no object.
func decodeItem(item []byte) (Session, error) {
	if !startsObject(item) {
		return Session{}, errors.New("not a JSON object")
	}
	return decodeValidSession(item)
}

// itemID returns the ID of an item that is no session, or "" if it has none.
func itemID(item []byte) string {
	if !startsObject(item) {
		return ""
	}
	var raw []byte
	for name, value := range members(item) {
		if string(name) == "id" {
			raw = value
		}
	}
	var d fieldDecoder // whatever is wrong with the item is known already
	return d.required("id", raw, ParseID)
}
