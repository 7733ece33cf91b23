// Package prom is a Prometheus server without its network: the database, the
// engine and the rules, in whatever time the caller says it is.
package prom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// Interval is the scrape and evaluation interval, unless another is asked for.
const Interval = 30 * time.Second

// Server is a Prometheus server.
type Server struct {
	Rules []*Rule // in the order of the file

	dir     string
	db      *tsdb.DB
	engine  *promql.Engine
	metrics *prometheus.Registry // of the engine
}

// Rule is a rule, with what its evaluations took.
type Rule struct {
	rules.Rule
	Group   string
	Every   time.Duration // the interval of its group
	CPU     time.Duration
	Samples int  // that the last evaluation gave
	Needed  bool // as Server.Needed found

	group   *rules.Group // of this rule alone
	samples prometheus.Gauge
}

// Series is a series that is written.
type Series struct {
	Labels labels.Labels
	ref    storage.SeriesRef
}

// Sample is a sample of a scrape.
type Sample struct {
	*Series
	Value float64
}

// Stale ends a series.
func Stale() float64 { return math.Float64frombits(value.StaleNaN) }

// Open starts a server with a new database.
func Open() (*Server, error) {
	dir, err := os.MkdirTemp("", "money")
	if err != nil {
		return nil, err
	}
	options := tsdb.DefaultOptions()
	options.WALSegmentSize = -1 // nobody restarts it
	options.MaxBlockDuration = 31 * 24 * time.Hour.Milliseconds() / 10
	db, err := tsdb.Open(dir, promslog.NewNopLogger(), nil, options, nil)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	db.DisableCompactions() // Compact is called at the simulation's times
	metrics := prometheus.NewRegistry()
	return &Server{
		dir:     dir,
		db:      db,
		metrics: metrics,
		engine: promql.NewEngine(promql.EngineOpts{ // as Prometheus's flags have it
			Reg:        metrics,
			MaxSamples: 50_000_000, Timeout: 2 * time.Minute, LookbackDelta: 5 * time.Minute,
			EnableAtModifier: true, EnableNegativeOffset: true, Parser: parser.NewParser(parser.Options{}),
			NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
		}),
	}, nil
}

// Close removes the database.
func (s *Server) Close() error { return errors.Join(s.db.Close(), os.RemoveAll(s.dir)) }

// Append writes the samples of a scrape.
func (s *Server) Append(at time.Time, samples []Sample) error {
	appender := s.db.Appender(context.Background())
	for i := range samples {
		sample := &samples[i]
		ref, err := appender.Append(sample.ref, sample.Labels, at.UnixMilli(), sample.Value)
		if err != nil {
			return errors.Join(fmt.Errorf("%s at %s: %w", sample.Labels, at, err), appender.Rollback())
		}
		sample.ref = ref
	}
	return appender.Commit()
}

// Compact writes a block if the head reaches back three hours. Prometheus checks that each minute.
func (s *Server) Compact() error { return s.db.Compact(context.Background()) }

// Series returns how many series are in memory.
func (s *Server) Series() uint64 { return s.db.Head().NumSeries() }

// SamplesRead returns how many samples all queries have read.
func (s *Server) SamplesRead() (int, error) {
	const name = "prometheus_engine_query_samples_total"
	families, err := s.metrics.Gather()
	if err != nil {
		return 0, err
	}
	for _, family := range families {
		if family.GetName() == name {
			return int(family.GetMetric()[0].GetCounter().GetValue()), nil
		}
	}
	return 0, errors.New("the engine has no " + name)
}

// LoadRules reads the rules of a file.
func (s *Server) LoadRules(path string, interval time.Duration) error {
	query := rules.EngineQueryFunc(s.engine, s.db)
	options := &rules.ManagerOptions{
		ExternalURL:     &url.URL{Scheme: "http", Host: "prometheus.test"},
		QueryFunc:       query,
		NotifyFunc:      func(context.Context, string, ...*rules.Alert) {},
		AppendableV2:    s.db,
		Queryable:       s.db,
		Logger:          slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Registerer:      prometheus.NewRegistry(),
		OutageTolerance: time.Hour,
		ForGracePeriod:  10 * time.Minute,
		ResendDelay:     time.Minute,
	}
	manager := rules.NewManager(options)
	file, errs := options.GroupLoader.Load(path, false, options.NameValidationScheme)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	groups, errs := manager.LoadGroups(interval, labels.EmptyLabels(), options.ExternalURL.String(), nil, false, path)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	for i := range file.Groups {
		name := file.Groups[i].Name
		group := groups[rules.GroupKey(path, name)]
		for _, rule := range group.Rules() {
			if alert, ok := rule.(*rules.AlertingRule); ok {
				alert.SetRestored(true)
			}
			s.Rules = append(s.Rules, newRule(name, path, rule, group.Interval(), options))
		}
	}
	return nil
}

// Needed marks the recordings that expressions are made from, directly or through
// others.
func (s *Server) Needed(exprs ...string) error {
	names := map[string]bool{}
	p := parser.NewParser(parser.Options{})
	for _, text := range exprs {
		expr, err := p.ParseExpr(text)
		if err != nil {
			return err
		}
		addNames(names, expr)
	}
	for found := true; found; {
		found = false
		for _, rule := range s.Rules {
			if names[rule.Name()] && !rule.IsAlert() && !rule.Needed {
				rule.Needed, found = true, true
				addNames(names, rule.Query())
			}
		}
	}
	return nil
}

// addNames adds the names of the series that an expression reads.
func addNames(names map[string]bool, expr parser.Expr) {
	for _, matchers := range parser.ExtractSelectors(expr) {
		for _, m := range matchers {
			if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
				names[m.Value] = true
			}
		}
	}
}

// newRule makes a group of each rule: what a rule takes can be told then.
func newRule(group, path string, rule rules.Rule, interval time.Duration, options *rules.ManagerOptions) *Rule {
	return &Rule{
		Rule: rule, Group: group, Every: interval,
		group:   rules.NewGroup(rules.GroupOptions{Name: group, File: path, Interval: interval, Rules: []rules.Rule{rule}, Opts: options}),
		samples: options.Metrics.GroupSamples.WithLabelValues(rules.GroupKey(path, group)),
	}
}

// Evaluate evaluates all rules, one after the other.
func (s *Server) Evaluate(at time.Time) error {
	for _, rule := range s.Rules {
		if err := rule.Evaluate(at); err != nil {
			return err
		}
	}
	return nil
}

// Evaluate evaluates the rule.
func (r *Rule) Evaluate(at time.Time) error {
	before := CPU()
	r.group.Eval(context.Background(), at)
	r.CPU += CPU() - before
	r.Samples = int(testutil.ToFloat64(r.samples))
	if err := r.LastError(); err != nil {
		return fmt.Errorf("%s: %w", r.Name(), err)
	}
	return nil
}

// IsAlert reports whether the rule is an alert; else it is a recording.
func (r *Rule) IsAlert() bool {
	_, is := r.Rule.(*rules.AlertingRule)
	return is
}

// Query answers an instant query.
func (s *Server) Query(expr string, at time.Time) (promql.Vector, error) {
	return rules.EngineQueryFunc(s.engine, s.db)(context.Background(), expr, at)
}

// CPU returns the CPU time that the process has used, the garbage collector's included.
func CPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// QueryRange answers a range query.
func (s *Server) QueryRange(expr string, start, end time.Time, step time.Duration) (promql.Matrix, error) {
	query, err := s.engine.NewRangeQuery(context.Background(), s.db, nil, expr, start, end, step)
	if err != nil {
		return nil, err
	}
	defer query.Close()
	matrix, err := query.Exec(context.Background()).Matrix()
	if err != nil {
		return nil, err
	}
	copied := make(promql.Matrix, len(matrix))
	for i, series := range matrix {
		copied[i] = promql.Series{Metric: series.Metric, Floats: slices.Clone(series.Floats)}
	}
	return copied, nil
}
