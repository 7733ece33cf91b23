package apiclient

import (
	"encoding/json"
	"errors"
	"fmt"
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
	var wire struct {
		Items      []json.RawMessage `json:"items"`
		TotalItems *int              `json:"totalItems"`
		PageNumber *int              `json:"pageNumber"`
		PageSize   *int              `json:"pageSize"`
	}
	if err := decodeObject(body, &wire); err != nil {
		return Page{}, err
	}
	switch {
	case wire.Items == nil:
		return Page{}, errors.New("items: not a list")
	case len(wire.Items) > PageSize:
		return Page{}, fmt.Errorf("items: more than the %d asked for", PageSize)
	case wire.TotalItems == nil || *wire.TotalItems < 0:
		return Page{}, errors.New("totalItems: not a number of items")
	case wire.PageNumber == nil || *wire.PageNumber != page:
		return Page{}, errors.New("pageNumber: not the page asked for")
	case wire.PageSize == nil || *wire.PageSize != PageSize:
		return Page{}, errors.New("pageSize: not the size asked for")
	}
	result := Page{Total: *wire.TotalItems, Sessions: make([]Session, 0, len(wire.Items))}
	for _, item := range wire.Items {
		session, err := decodeSession(item)
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

// itemID returns the ID of an item that is no session, or "" if it has none.
func itemID(item []byte) string {
	var wire struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(item, &wire) // whatever is wrong with the item is known already
	id, _ := ParseID(wire.ID)
	return id
}
