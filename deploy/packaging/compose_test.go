package packaging

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// project loads compose.yaml as docker compose does, in an environment.
func project(t *testing.T, env ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../compose.yaml"}, cli.WithEnv(env), cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := options.LoadProject(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// TestOneVariableTurnsTheDemoIntoTheProject starts the real exporter as Compose
// would.
func TestOneVariableTurnsTheDemoIntoTheProject(t *testing.T) {
	for name, test := range map[string]struct {
		env  []string
		want string
	}{
		"without a key": {nil, `api=simulated`},
		"an empty key":  {[]string{"BROWSER_USE_API_KEY="}, `api=simulated`},
		"with a key":    {[]string{"BROWSER_USE_API_KEY=bu_x"}, `api=https://api.browser-use.com/api/v3 key_source=env`},
	} {
		t.Run(name, func(t *testing.T) {
			service := project(t, test.env...).Services["exporter"]
			var env []string
			for name, value := range service.Environment {
				if value != nil {
					env = append(env, name+"="+*value)
				}
			}
			if log := startLog(t, env, service.Command...); !strings.Contains(log, test.want) {
				t.Errorf("the exporter does not say %s:\n%s", test.want, log)
			}
		})
	}
}

func TestTheServicesAreHardenedAndFixed(t *testing.T) {
	for name, service := range project(t).Services {
		if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) || !slices.Contains(service.SecurityOpt, "no-new-privileges:true") || service.Privileged {
			t.Errorf("%s may write to its root, has capabilities, or may get them", name)
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s can be reached from outside", name, port.Published)
			}
		}
		if service.Build == nil && !regexp.MustCompile(`:v?\d+\.\d+\.\d+$`).MatchString(service.Image) {
			t.Errorf("%s: the version of %s is not fixed", name, service.Image)
		}
		if service.HealthCheck == nil {
			t.Errorf("%s has no health check", name)
		}
	}
}

// TestTheExportersHealthCheck runs it with the program that the image has for it.
func TestTheExportersHealthCheck(t *testing.T) {
	busybox := program(t, "busybox")
	check := project(t).Services["exporter"].HealthCheck.Test
	dockerfile, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	if check[0] != "CMD" || !strings.Contains(string(dockerfile), " "+check[1]+"\n") {
		t.Fatalf("the health check %q wants what the image does not have", check)
	}
	address := freeAddress(t)
	healthy := func() bool {
		args := append([]string{filepath.Base(check[1])}, check[2:]...)
		args[len(args)-1] = strings.Replace(args[len(args)-1], "127.0.0.1:10042", address, 1)
		return exec.CommandContext(t.Context(), busybox, args...).Run() == nil
	}
	if healthy() {
		t.Error("it is well before the exporter has started")
	}
	running := exec.CommandContext(t.Context(), exporter, "--demo", "--web.listen-address="+address)
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = running.Process.Kill(); _ = running.Wait() }()
	for deadline := time.Now().Add(time.Minute); !healthy(); {
		if time.Now().After(deadline) {
			t.Fatal("it is never well")
		}
		<-time.After(50 * time.Millisecond)
	}
}

// TestLinksFromAlertsLeadToThisMachine checks the servers' own addresses, which are
// those of containers by default, and the flags that a command of ours replaces.
func TestLinksFromAlertsLeadToThisMachine(t *testing.T) {
	for _, name := range []string{"prometheus", "alertmanager"} {
		service := project(t).Services[name]
		if external := "--web.external-url=http://localhost:" + service.Ports[0].Published; !slices.Contains(service.Command, external) {
			t.Errorf("%s lacks %s: %q", name, external, service.Command)
		}
		for _, target := range []string{"--config.file=" + service.Volumes[0].Target, "=/" + name} {
			if !slices.ContainsFunc(service.Command, func(arg string) bool { return strings.HasSuffix(arg, target) }) {
				t.Errorf("%s lacks %s: %q", name, target, service.Command)
			}
		}
	}
}

// TestTheBuildTakesTheVersion checks that Compose's build arguments are the
// Dockerfile's.
func TestTheBuildTakesTheVersion(t *testing.T) {
	dockerfile, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	args := project(t, "VERSION=1.2.3").Services["exporter"].Build.Args
	if version := args["VERSION"]; version == nil || *version != "1.2.3" {
		t.Errorf("the build has the arguments %v", args)
	}
	for name := range args {
		if !strings.Contains(string(dockerfile), "\nARG "+name+"=") {
			t.Errorf("the Dockerfile has no argument %s", name)
		}
	}
}

// TestWhatComposeMountsIsThere also wants the folder that the image is built in.
func TestWhatComposeMountsIsThere(t *testing.T) {
	loaded := project(t)
	for name, service := range loaded.Services {
		for _, volume := range service.Volumes {
			if volume.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(volume.Source); err != nil || !volume.ReadOnly {
				t.Errorf("%s: %s is missing, or may be written: %v", name, volume.Source, err)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(loaded.Services["exporter"].Build.Context, "Dockerfile")); err != nil {
		t.Error(err)
	}
}

// TestComposePrometheusDiffersInAddressesOnly keeps the two configurations
// together.
func TestComposePrometheusDiffersInAddressesOnly(t *testing.T) {
	settings := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var kept []string
		for line := range strings.Lines(string(text)) {
			if line, _, _ = strings.Cut(line, "#"); strings.TrimSpace(line) != "" {
				kept = append(kept, strings.TrimRight(line, " \n"))
			}
		}
		return strings.NewReplacer("exporter:10042", "localhost:10042", "alertmanager:9093", "localhost:9093").Replace(strings.Join(kept, "\n"))
	}
	if own, shipped := settings("../compose/prometheus.yml"), settings("../prometheus/prometheus.yml"); own != shipped {
		t.Errorf("compose/prometheus.yml:\n%s\nprometheus/prometheus.yml:\n%s", own, shipped)
	}
}
