package prom

import (
	"errors"
	"io"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// Parse hands on each sample of an exposition: its text, which is valid until each
// returns, its value and what returns its labels.
func Parse(exposition string, each func(text []byte, value float64, series func() labels.Labels)) error {
	parser := textparse.NewPromParser([]byte(exposition), labels.NewSymbolTable(), false)
	series := func() (l labels.Labels) {
		parser.Labels(&l)
		return l
	}
	for {
		entry, err := parser.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case entry == textparse.EntrySeries:
			text, _, value := parser.Series()
			each(text, value, series)
		}
	}
}
