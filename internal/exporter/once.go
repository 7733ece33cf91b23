package exporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"browseruse_exporter/collector"
)

// once prints one reading of each project. An error says that something was not
// read.
func once(ctx context.Context, c *Config, stdout, stderr io.Writer) error {
	logger, _ := newLogger(c, stderr)
	if c.logLevel != "debug" {
		logger = level.NewFilter(logger, level.AllowError()) // explain prints what failed
	}
	e, err := New(c, logger, nil)
	if err != nil {
		return err
	}
	defer e.Close()
	ctx, cancel := context.WithTimeout(ctx, c.deadline.Default)
	defer cancel()
	projects := e.Projects()
	readings := make([]*collector.Reading, len(projects))
	var group sync.WaitGroup
	for i, p := range projects {
		group.Go(func() { readings[i] = p.Collector.Read(ctx) })
	}
	group.Wait()

	for i, p := range projects {
		labels := prometheus.Labels{}
		if p.Name != "" {
			labels["project"] = p.Name
		}
		e.Registry.MustRegister(prometheus.WrapCollectorWith(labels, p.Collector.Reported(readings[i])))
	}
	families, err := e.Registry.Gather()
	if err != nil {
		return err
	}
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(stdout, family); err != nil {
			return err
		}
	}
	var missing []string
	for i, p := range projects {
		about := ""
		if p.Name != "" {
			about = p.Name + ": "
		}
		if err := explain(readings[i], about, stderr); err != nil {
			missing = append(missing, about+err.Error())
		}
	}
	if len(missing) > 0 {
		return errors.New(strings.Join(missing, "; "))
	}
	return nil
}

// explain says in words what of a reading is missing, if anything: a line each
// on stderr that begins with what it is about, and an error in the end.
func explain(reading *collector.Reading, about string, stderr io.Writer) error {
	failures := reading.Failures()
	for i := range failures {
		_, _ = fmt.Fprintf(stderr, "%s: %s%s\n", programName, about, &failures[i])
		advice := failures[i].Advice()
		if last := i+1 == len(failures); last || failures[i+1].Advice() != advice {
			_, _ = fmt.Fprintf(stderr, "  %s\n", advice) // once for those that it is the same for
		}
	}
	switch {
	case reading.AllRead():
		return nil
	case !reading.Up:
		return errors.New("nothing could be read")
	case !reading.Complete:
		return errors.New("the time of --scrape.timeout was over before everything was read")
	default:
		return errors.New("not everything could be read")
	}
}
