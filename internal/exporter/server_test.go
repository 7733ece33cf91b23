package exporter_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-kit/log"

	"browseruse_exporter/internal/exporter"
	"browseruse_exporter/internal/exporter/exportertest"
	"browseruse_exporter/internal/simapi"
)

// process is the program, which runs in the background of a test.
type process struct {
	t       *testing.T
	log     *exportertest.Log
	address string
	ended   chan int
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, log: &exportertest.Log{}, ended: make(chan int, 1)}
	go func() {
		p.ended <- exporter.Run(append(args, "--web.listen-address=127.0.0.1:0"), io.Discard, p.log)
	}()
	p.address = p.logs(`"?address"?[=:]"?(127\.0\.0\.1:[1-9]\d*)`)
	p.logs("TLS is (?:en|dis)abled()")
	return p
}

// logs waits until the log has an expression, and returns its group.
func (p *process) logs(expression string) string {
	p.t.Helper()
	pattern := regexp.MustCompile(expression)
	for deadline := time.Now().Add(time.Minute); ; {
		if match := pattern.FindStringSubmatch(p.log.String()); match != nil {
			return match[1]
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("the log does not have %q:\n%s", expression, p.log)
		}
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := syscall.Kill(syscall.Getpid(), s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if status := exportertest.Receive(p.t, p.ended); status != 0 {
		p.t.Errorf("exit status %d", status)
	}
}

// TestSIGHUPReadsTheFilesAgain though nothing scrapes, and though they were
// written just now.
func TestSIGHUPReadsTheFilesAgain(t *testing.T) {
	exportertest.SetKey(t, "")
	key, list := exportertest.File(t, exportertest.Key), exportertest.File(t, exportertest.SessionID(1))
	p := start(t, "--api.key-file="+key, "--session.file="+list, "--api.url="+exportertest.ServeAPI(t, exportertest.NewAPI(2)))
	defer p.stop()
	for path, content := range map[string]string{key: "bu_rotated", list: exportertest.SessionID(1) + "\n" + exportertest.SessionID(2)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.signal(syscall.SIGHUP)
	p.logs(`msg="Key file loaded again"()`)
	p.logs(`msg="Session file loaded" sessions=2()`)
	if status, _ := get(t, "http://"+p.address+"/-/healthy"); status != http.StatusOK {
		t.Errorf("status %d after SIGHUP", status)
	}
}

// TestOneFormatOfTheLog checks the keys that each line begins with, those of
// exporter-toolkit among them, and that a bool of these is one in JSON.
func TestOneFormatOfTheLog(t *testing.T) {
	exportertest.SetKey(t, "")
	inJSON := start(t, "--demo", "--log.format=json")
	inJSON.stop()
	if want := `"http2":false,`; !strings.Contains(inJSON.log.String(), want) {
		t.Errorf("no line has %s:\n%s", want, inJSON.log)
	}
	p := start(t, "--demo")
	p.stop()
	line := regexp.MustCompile(`^ts=\d{4}-\d\d-\d\dT\S+Z caller=\w+\.go:\d+ level=\w+ msg=`)
	for text := range strings.Lines(p.log.String()) {
		if !line.MatchString(text) || strings.Contains(text, " time=") {
			t.Errorf("the line is not like the others: %s", text)
		}
	}
}

// TestStrayBytesOfTheAPI are logged by net/http's transport, by the standard
// logger: the program silences that.
func TestStrayBytesOfTheAPI(t *testing.T) {
	var standard exportertest.Log
	stdlog.SetOutput(&standard)
	defer stdlog.SetOutput(os.Stderr)
	exportertest.SetKey(t, exportertest.Key)
	api := exportertest.NewAPI(1)
	api.Inject(simapi.Fault{Handler: func(w http.ResponseWriter, _ *http.Request) {
		conn, buffer, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = fmt.Fprintf(buffer, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}%s", simapi.Credential)
		_ = buffer.Flush()
		_, _ = conn.Read(make([]byte, 1)) // until the client hangs up
		_ = conn.Close()
	}})
	var stdout, stderr bytes.Buffer
	exporter.Run([]string{"--once", "--session.id=" + exportertest.SessionID(1), "--api.url=" + exportertest.ServeAPI(t, api)}, &stdout, &stderr)
	if text := standard.String() + stdout.String() + stderr.String(); strings.Contains(text, simapi.Credential) {
		t.Errorf("the output shows what follows a reply:\n%s", text)
	}
	if stdlog.Writer() != io.Discard {
		t.Error("the standard logger writes")
	}
}

// webConfig writes a web configuration with a certificate.
func webConfig(t *testing.T) (path string) {
	t.Helper()
	certificate := exportertest.NewAuthority(t).Issue(t, "exporter.test", time.Now().Add(time.Hour))
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return exportertest.File(t, fmt.Sprintf("tls_server_config: {cert_file: %s, key_file: %s}\n",
		exportertest.File(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}))),
		exportertest.File(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))))
}

// shake connects as a client with TLS does.
func (p *process) shake() error {
	conn, err := tls.Dial("tcp", p.address, &tls.Config{InsecureSkipVerify: true})
	if err == nil {
		_ = conn.Close()
	}
	return err
}

// TestProbesOverTLS does what orchestrators do to a port all day: only the level
// debug has lines of it.
func TestProbesOverTLS(t *testing.T) {
	exportertest.SetKey(t, "")
	p := start(t, "--demo", "--log.level=debug", "--web.config.file="+webConfig(t))
	conn, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	p.logs(`level=debug msg="Connection failed" err="http: TLS handshake error from \S+ (EOF|read)`)
	if status, _ := get(t, "http://"+p.address+"/-/healthy"); status != http.StatusBadRequest {
		t.Errorf("http to https: status %d", status)
	}
	p.logs(`level=debug msg="Connection failed" err="http: TLS handshake error from \S+ (client sent an HTTP request)`)
	if err := p.shake(); err != nil {
		t.Error(err)
	}
	p.stop()
	for line := range strings.Lines(p.log.String()) {
		if strings.Contains(line, "handshake") && !strings.Contains(line, "level=debug") {
			t.Error(line)
		}
	}
}

// TestAWebConfigurationThatGoesBad is logged once, however many requests fail.
func TestAWebConfigurationThatGoesBad(t *testing.T) {
	exportertest.SetKey(t, "")
	plain := exportertest.File(t, "http_server_config: {http2: true}\n")
	for name, path := range map[string]string{"plain": plain, "TLS": webConfig(t)} {
		t.Run(name, func(t *testing.T) {
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			p := start(t, "--demo", "--web.config.file="+path)
			request := p.shake
			if name == "plain" {
				request = func() error {
					if status, _ := get(t, "http://"+p.address+"/-/healthy"); status != http.StatusOK {
						return errors.New("it failed")
					}
					return nil
				}
			}
			exportertest.Rewrite(t, path, "nonsense: true\n")
			for range 3 {
				if request() == nil {
					t.Error("a request was answered")
				}
			}
			p.logs(`level=error msg="Web configuration is bad, requests fail until it is mended" err=".*nonsense()`)
			exportertest.Rewrite(t, path, string(good))
			if err := request(); err != nil {
				t.Error(err)
			}
			p.signal(syscall.SIGHUP)
			p.logs(`level=info msg="Web configuration is good again"()`)
			p.stop()
			if n := strings.Count(p.log.String(), "nonsense"); n != 1 {
				t.Errorf("%d lines about it; want one:\n%s", n, p.log)
			}
		})
	}
}

// TestAStartThatFailsLeavesNothing behind; goleak looks for what the demo would.
func TestAStartThatFailsLeavesNothing(t *testing.T) {
	exportertest.SetKey(t, "")
	list := exportertest.File(t, exportertest.SessionID(1))
	c, err := exporter.ParseFlags([]string{"--demo", "--session.file=" + list}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(list, filepath.Join(t.TempDir(), "gone")); err != nil {
		t.Fatal(err)
	}
	if _, err := exporter.New(c, log.NewNopLogger(), nil); err == nil || !strings.Contains(err.Error(), "--session.file: ") {
		t.Errorf("error %v; want one of --session.file", err)
	}
}
