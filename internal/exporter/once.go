package exporter

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"browseruse_exporter/collector"
)

// once prints one reading. An error says that something was not read.
func once(ctx context.Context, c *Config, stdout, stderr io.Writer) error {
	logger, _ := newLogger(c, stderr)
	if c.logLevel != "debug" {
		logger = level.NewFilter(logger, level.AllowError()) // what failed is told below, for people
	}
	e, err := New(c, logger, nil)
	if err != nil {
		return err
	}
	defer e.Close()
	ctx, cancel := context.WithTimeout(ctx, c.deadline.Default)
	defer cancel()
	reading := e.Collector().Read(ctx)

	families, done, err := prometheus.NewMultiTRegistry(prometheus.ToTransactionalGatherer(e.Registry), e.Collector().Gatherer(reading)).Gather()
	defer done()
	if err != nil {
		return err
	}
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(stdout, family); err != nil {
			return err
		}
	}
	return explain(reading, stderr)
}

// explain says in words what of a reading is missing, if anything: a line each
// on stderr, and an error in the end.
func explain(reading *collector.Reading, stderr io.Writer) error {
	failures := reading.Failures()
	for i := range failures {
		_, _ = fmt.Fprintf(stderr, "%s: %s\n", programName, &failures[i])
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
