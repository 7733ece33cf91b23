package browsertest

import (
	"bytes"
	"cmp"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

var picture = flag.String("picture", "", "write the README's picture of the page into this file")

// TestPicture takes the README's picture, if asked to: the demo after it has
// been scraped for a while.
func TestPicture(t *testing.T) {
	if *picture == "" {
		t.Skip("without -picture")
	}
	p := opened(t, demo(t), "/", scheme("light"), size(1280, 800))
	full, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(full))
	if err != nil {
		t.Fatal(err)
	}
	var small bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&small, withPalette(decoded)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*picture, small.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// withPalette returns a picture in its 256 most frequent colours: a page has few
// others, and a file with a palette is a third as long.
func withPalette(source image.Image) image.Image {
	counts := map[color.Color]int{}
	bounds := source.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[source.At(x, y)]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int { return cmp.Compare(counts[b], counts[a]) })
	result := image.NewPaletted(bounds, colors[:min(len(colors), 256)])
	draw.Draw(result, bounds, source, bounds.Min, draw.Src)
	return result
}
