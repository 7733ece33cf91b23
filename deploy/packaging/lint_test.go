package packaging

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/opencontainers/go-digest"
)

// noImage answers for every base image without looking it up.
type noImage struct{}

func (noImage) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, "", []byte(`{"architecture":"amd64","os":"linux"}`), nil
}

// TestTheDockerfileIsClean runs BuildKit's own linter, every rule of it.
func TestTheDockerfileIsClean(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	source := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", text)
	source.Definition = &llb.Definition{}
	results, err := dockerfile2llb.DockerfileLint(t.Context(), text, dockerfile2llb.ConvertOpt{
		MetaResolver: noImage{},
		SourceMap:    source,
	})
	if err != nil {
		t.Fatal(err)
	}
	if results.Error != nil {
		t.Errorf("%s", results.Error.Message)
	}
	for _, warning := range results.Warnings {
		var line int32
		if location := warning.Location; location != nil && len(location.Ranges) > 0 {
			line = location.Ranges[0].Start.Line
		}
		t.Errorf("Dockerfile:%d: %s: %s", line, warning.RuleName, warning.Detail)
	}
}

// TestTheDocumentedImage holds the docker commands of docs/operation.md to the
// Dockerfile and to the exporter's flags.
func TestTheDocumentedImage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs/operation.md"))
	if err != nil {
		t.Fatal(err)
	}
	dockerfile, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	build := regexp.MustCompile(`(?m)^docker build (.*) -t (\S+) \.$`).FindStringSubmatch(string(page))
	run := regexp.MustCompile(`(?m)^docker run .* -v \S+:(/\S+):ro (\S+) (--\S+)$`).FindStringSubmatch(string(page))
	if build == nil || run == nil || build[2] != run[2] {
		t.Fatalf("docs/operation.md builds %q and runs %q", build, run)
	}
	names := regexp.MustCompile(`--build-arg (\w+)=`).FindAllStringSubmatch(build[1], -1)
	for _, name := range append(names, []string{"", "BRANCH"}, []string{"", "BUILD_DATE"}) {
		if !strings.Contains(string(dockerfile), "\nARG "+name[1]+"=") {
			t.Errorf("the Dockerfile has no argument %s", name[1])
		}
	}
	// The mount is the key's directory: one of the file itself keeps the old one.
	name, ok := strings.CutPrefix(run[3], "--api.key-file="+run[1]+"/")
	if !ok {
		t.Fatalf("%s is not in the mounted directory %s", run[3], run[1])
	}
	key := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(key, []byte("bu_x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if log := startLog(t, nil, "--api.key-file="+key); !strings.Contains(log, "key_source=file") {
		t.Errorf("the key is not that of %s:\n%s", run[3], log)
	}
}

// TestEachTextNamesTheRestart checks that whoever rotates the key of the service,
// which has a copy of it, reads so wherever they look.
func TestEachTextNamesTheRestart(t *testing.T) {
	for _, name := range []string{
		"docs/operation.md", "deploy/README.md", "deploy/RUNBOOK.md", "deploy/systemd/browseruse_exporter.service", "deploy/packaging/postinstall",
	} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "systemctl restart browseruse_exporter") {
			t.Errorf("%s does not name the restart that a new key needs", name)
		}
	}
}

func TestTheWorkflowsAreClean(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, ".github/workflows/*.yml"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%d workflows: %v", len(files), err)
	}
	// By its version, not as a dependency: it wants another version of a YAML
	// library than compose-go does.
	args := append([]string{"run", "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"}, files...)
	if output, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
		t.Errorf("actionlint: %v\n%s", err, output)
	}
}
