package apiclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
)

// maxTotal bounds what a list may claim to have: far above any fleet, and far
// below what overflows.
const maxTotal = 1e9

// Page is one page of a list of sessions.
type Page[S any] struct {
	Sessions []S
	Invalid  []InvalidItem
	Total    int // sessions on all pages together, as the API says
	Size     int // sessions that a page has at most: PageSize unless the API allows fewer
}

// Pages returns how many pages the list has, one at least.
func (p *Page[S]) Pages() int { return max((p.Total+p.Size-1)/p.Size, 1) }

// InvalidItem is an item of a page that could not be read.
type InvalidItem struct {
	ID  string // of the session, if the item has a valid one; else ""
	Err *Error
}

// wirePage is a page as the API sends it. W is a session as the API sends it.
type wirePage[W any] struct {
	Items  wireItems[W] `json:"items"`
	Total  number       `json:"totalItems"`
	Number number       `json:"pageNumber"`
	Size   number       `json:"pageSize"`
}

// wireItems is a list whose items are decoded one by one, so that an invalid one
// spoils no other.
type wireItems[W any] struct {
	items []wireItem[W]
	state state
}

type wireItem[W any] struct {
	session W
	err     error
}

// UnmarshalJSONFrom never fails for what is valid JSON.
func (w *wireItems[W]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '[' {
		w.state = invalid
		return d.SkipValue()
	}
	w.state = valid
	w.items = make([]wireItem[W], 0, PageSize)
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
		w.items = append(w.items, wireItem[W]{})
		item := &w.items[len(w.items)-1]
		item.err = decodeObject(raw, &item.session)
	}
	_, err := d.ReadToken()
	return err
}

// getPage reads a page of a list and counts its invalid items.
func getPage[S session](ctx context.Context, b *Batch, endpoint Endpoint, path string, decode func(body []byte) (Page[S], error)) (Page[S], error) {
	page, err := get(ctx, b, endpoint, path, maxListBytes, decode)
	b.client.metrics.invalidItems.WithLabelValues(string(endpoint)).Add(float64(len(page.Invalid)))
	return page, err
}

// pageOf returns what a page has that must be the one asked for.
func pageOf[W any, S session](wire *wirePage[W], page int, endpoint Endpoint, convert func(*W) (S, error)) (Page[S], error) {
	total, okTotal := wire.Total.count()
	number, okNumber := wire.Number.count()
	size, okSize := wire.Size.count()
	switch {
	case wire.Items.state != valid:
		return Page[S]{}, errors.New("items: not a list")
	case !okTotal:
		return Page[S]{}, errors.New("totalItems: not a number of items")
	case !okNumber || number != page:
		return Page[S]{}, errors.New("pageNumber: not the page asked for")
	case !okSize || size < 1 || size > PageSize:
		return Page[S]{}, errors.New("pageSize: not the size asked for, nor a smaller one")
	case len(wire.Items.items) > size:
		return Page[S]{}, fmt.Errorf("items: more than the %d of a page", size)
	}
	result := Page[S]{Total: total, Size: size, Sessions: make([]S, 0, len(wire.Items.items))}
	for i := range wire.Items.items {
		item := &wire.Items.items[i]
		session, err := convert(&item.session)
		if err = cmp.Or(item.err, err); err == nil {
			result.Sessions = append(result.Sessions, session)
			continue
		}
		result.Invalid = append(result.Invalid, InvalidItem{ID: session.Common().ID, Err: &Error{
			Endpoint: endpoint, Reason: ReasonInvalidResponse, Status: http.StatusOK, Err: err,
		}})
	}
	return result, nil
}

// count returns a whole number of things, and whether it is one.
func (n number) count() (int, bool) {
	ok := n.state == valid && n.value >= 0 && n.value == float64(int64(n.value))
	return int(min(n.value, maxTotal)), ok
}
