package apiclient

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
)

// maxTotal bounds what a list may claim to have: far above any fleet, and far
// below what overflows.
const maxTotal = 1e9

// Page is one page of the list of sessions.
type Page struct {
	Sessions []Session
	Invalid  []InvalidItem
	Total    int // sessions on all pages together, as the API says
	Size     int // sessions that a page has at most: PageSize unless the API allows fewer
}

// InvalidItem is an item of a page that could not be read.
type InvalidItem struct {
	ID  string // of the session, if the item has a valid one; else ""
	Err *Error
}

// wirePage is a page as the API sends it.
type wirePage struct {
	Items      wireItems `json:"items"`
	TotalItems number    `json:"totalItems"`
	PageNumber number    `json:"pageNumber"`
	PageSize   number    `json:"pageSize"`
}

// wireItems is a list whose items are decoded one by one, so that an invalid one
// spoils no other.
type wireItems struct {
	items []wireItem
	state state
}

type wireItem struct {
	session wireSession
	err     error
}

// UnmarshalJSONFrom never fails for what is valid JSON.
func (w *wireItems) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '[' {
		w.state = invalid
		return d.SkipValue()
	}
	w.state = valid
	w.items = make([]wireItem, 0, PageSize)
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		raw, err := d.ReadValue()
		if err != nil {
			return err
		}
		if len(w.items) > PageSize {
			continue // the page is refused
		}
		w.items = append(w.items, wireItem{})
		item := &w.items[len(w.items)-1]
		item.err = decodeObject(raw, &item.session)
	}
	_, err := d.ReadToken()
	return err
}

// decodePage decodes a response that must be the page asked for.
func decodePage(body []byte, page int, metadataKeys []string) (Page, error) {
	var wire wirePage
	if err := decodeObject(body, &wire); err != nil {
		return Page{}, err
	}
	total, okTotal := wire.TotalItems.count()
	number, okNumber := wire.PageNumber.count()
	size, okSize := wire.PageSize.count()
	switch {
	case wire.Items.state != valid:
		return Page{}, errors.New("items: not a list")
	case !okTotal:
		return Page{}, errors.New("totalItems: not a number of items")
	case !okNumber || number != page:
		return Page{}, errors.New("pageNumber: not the page asked for")
	case !okSize || size < 1 || size > PageSize:
		return Page{}, errors.New("pageSize: not the size asked for, nor a smaller one")
	case len(wire.Items.items) > size:
		return Page{}, fmt.Errorf("items: more than the %d of a page", size)
	}
	result := Page{Total: total, Size: size, Sessions: make([]Session, 0, len(wire.Items.items))}
	for i := range wire.Items.items {
		item := &wire.Items.items[i]
		session, err := Session{}, item.err
		if err == nil {
			session, err = item.session.session(metadataKeys)
		}
		if err == nil {
			result.Sessions = append(result.Sessions, session)
			continue
		}
		id, _ := ParseID(item.session.ID.value)
		result.Invalid = append(result.Invalid, InvalidItem{ID: id, Err: &Error{
			Endpoint: EndpointBrowsers, Reason: ReasonInvalidResponse, Status: http.StatusOK, Err: err,
		}})
	}
	return result, nil
}

// count returns a whole number of things, and whether it is one.
func (n number) count() (int, bool) {
	ok := n.state == valid && n.value >= 0 && n.value == float64(int64(n.value))
	return int(min(n.value, maxTotal)), ok
}
