package browsertest

import (
	"testing"
)

// contrast lists the texts on the page whose contrast is below what WCAG's level
// AA asks of small text.
const contrast = `(() => {
	const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
	const parse = (color) => color.match(/[\d.]+/g).map(Number);
	const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
	const background = (e) => {
		const color = parse(getComputedStyle(e).backgroundColor);
		return color.length === 3 || color[3] === 1 ? color : background(e.parentElement);
	};
	const low = new Set();
	for (const e of document.querySelectorAll("body *:not(noscript):not(.unseen)")) {
		if (![...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim())) continue;
		const [a, b] = [luminance(parse(getComputedStyle(e).color)), luminance(background(e))].sort((x, y) => y - x);
		if ((a + 0.05) / (b + 0.05) < 4.5) low.add(e.tagName + " " + e.textContent.slice(0, 30) + " " + ((a + 0.05) / (b + 0.05)).toFixed(2));
	}
	return [...low];
})()`

func TestContrast(t *testing.T) {
	api, missing := newTroubled()
	r := newRig(t, api, missing...)
	r.scrape()
	for _, name := range []string{"light", "dark"} {
		t.Run(name, func(t *testing.T) {
			p := opened(t, r, "/#group=agent&sort=cost", scheme(name))
			if low := eval[[]string](p, contrast); len(low) > 0 {
				t.Errorf("hard to read: %q", low)
			}
		})
	}
}
