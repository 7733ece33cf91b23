package browsertest

import (
	"testing"
)

// contrast lists the texts on the page whose contrast is below what WCAG's level
// AA asks of small text, and the symbols below what it asks of them.
const contrast = `(() => {
	const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
	const parse = (color) => color.match(/[\d.]+/g).map(Number);
	const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
	const background = (e) => {
		const color = parse(getComputedStyle(e).backgroundColor);
		return color.length === 3 || color[3] === 1 ? color : background(e.parentElement);
	};
	const ratio = (style, e) => {
		const back = background(e), color = parse(style.color).map((v, i) => i < 3 ? back[i] + (v - back[i]) * style.opacity : v);
		const [a, b] = [luminance(color), luminance(back)].sort((x, y) => y - x);
		return (a + 0.05) / (b + 0.05);
	};
	const low = new Set();
	const check = (e, text, style, least) => { if (ratio(style, e) < least) low.add(e.tagName + " " + text + " " + ratio(style, e).toFixed(2)); };
	for (const e of document.querySelectorAll("body *:not(noscript):not(.unseen)")) {
		if ([...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim())) check(e, e.textContent.slice(0, 30), getComputedStyle(e), 4.5);
		for (const side of ["::before", "::after"]) {
			const style = getComputedStyle(e, side);
			if (/"[^"]/.test(style.content)) check(e, side, style, 3); // a symbol, of which less is asked
		}
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
