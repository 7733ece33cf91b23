package browsertest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a test waits for what should come within moments.
const patience = 20 * time.Second

// browser is the one Chromium of a run, or nil where Chromium is not installed.
var browser context.Context

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(runWithBrowser(m))
}

func runWithBrowser(m *testing.M) int {
	path, err := findChromium()
	if err != nil {
		return m.Run() // each test says so
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-domain-reliability", true),
	)
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	defer end()
	var cancel context.CancelFunc
	browser, cancel = chromedp.NewContext(allocator)
	defer cancel()
	if err := chromedp.Do(browser); err != nil {
		fmt.Fprintln(os.Stderr, "Chromium does not start:", err)
		return 1
	}
	return m.Run()
}

func findChromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium on this machine (Debian's package is chromium)")
}

// tab is a tab of the browser. When its test ends, it checks that the page
// sent requests to the exporter alone, and that the console is empty.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu        sync.Mutex
	requested []string
	said      []string // in the console
}

// action is what a tab does.
type action = chromedp.Action[chromedp.Void]

// command is the action of a command without a result.
func command[P any](cmd cdp.Command[P, cdp.Empty], params P) action {
	return func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, target, cmd, params)
		return none, err
	}
}

// What can be done before the page is loaded.

// size is that of the window.
func size(width, height int64) action {
	return command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 500,
	})
}

func scheme(name string) action {
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
}

func noScript() action {
	return command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// open opens a page of the exporter and waits until it has been drawn.
func open(t *testing.T, r *rig, path string, options ...action) *tab {
	t.Helper()
	if browser == nil {
		_, err := findChromium()
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	tabCtx, cancel := chromedp.NewContext(browser)
	ctx, cancelTime := context.WithTimeout(tabCtx, 2*time.Minute)
	p := &tab{t: t, ctx: ctx}
	t.Cleanup(func() {
		p.check(r.url)
		cancelTime()
		cancel()
	})
	if err := chromedp.Do(tabCtx); err != nil { // opens the tab, whose life must not end with a deadline
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, p.listen); err != nil {
		t.Fatal(err)
	}
	p.run(append([]action{command(log.Enable, cdp.Empty{}), command(network.Enable, network.EnableParams{}), size(1280, 900)}, options...)...)
	p.run(chromedp.Navigate(r.url + path))
	return p
}

// opened is open, and waits until the script has drawn the page.
func opened(t *testing.T, r *rig, path string, options ...action) *tab {
	t.Helper()
	p := open(t, r, path, options...)
	p.until("the script has drawn the page", `document.querySelector("#count").textContent !== ""`)
	return p
}

func (p *tab) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.requested = append(p.requested, e.Request.URL)
	case *runtime.EventExceptionThrown:
		p.said = append(p.said, fmt.Sprint(e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		p.said = append(p.said, fmt.Sprintf("console.%s", e.Type))
	case *log.EventEntryAdded:
		p.said = append(p.said, fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
	}
}

// check checks what the page has done in the background.
func (p *tab) check(own string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, url := range p.requested {
		if !strings.HasPrefix(url, own+"/") {
			p.t.Errorf("the page asked for %s, which is not the exporter's", url)
		}
	}
	for _, line := range p.said {
		p.t.Errorf("in the console: %s", line)
	}
}

// forgive forgets what stands in the console and has been expected.
func (p *tab) forgive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = nil
}

func (p *tab) run(actions ...action) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// eval returns the value of an expression.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// do runs statements.
func (p *tab) do(statements string) {
	p.t.Helper()
	eval[bool](p, "(() => {"+statements+"; return true})()")
}

// until waits for an expression to be true.
func (p *tab) until(what, expression string) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !eval[bool](p, expression); {
		if time.Now().After(deadline) {
			p.t.Fatalf("not within %v: %s (%s)", patience, what, expression)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// refresh lets the page ask the exporter now, as it does when its tab comes to
// the front, and waits until it has drawn the answer.
func (p *tab) refresh() {
	p.t.Helper()
	before := eval[float64](p, `performance.getEntriesByType("resource").filter((e) => e.initiatorType === "fetch").length`)
	p.do(`document.dispatchEvent(new Event("visibilitychange"))`)
	p.until("the refresh", fmt.Sprintf(`performance.getEntriesByType("resource").filter((e) => e.initiatorType === "fetch").length > %v`, before))
	p.until("the drawing", `new Promise((done) => setTimeout(() => done(true), 50))`)
}
