package collector

import (
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"browseruse_exporter/apiclient"
)

// Gatherer returns the gatherer of the project's metrics: what r found, and the
// counters as they are when it gathers.
func (c *Collector) Gatherer(r *Reading) prometheus.TransactionalGatherer {
	return prometheus.NewMultiTRegistry(r, prometheus.ToTransactionalGatherer(c.others))
}

// shareTime is how long after they were made families are given to further
// callers: the time left of a session is as of then.
const shareTime = time.Second

// sharedFamilies are the families of a reading while somebody uses them.
type sharedFamilies struct {
	mu       sync.Mutex
	families []*dto.MetricFamily // nil if no caller uses them
	madeAt   time.Time
	users    int
}

// Gather implements prometheus.TransactionalGatherer: the metrics of r alone,
// without error. Callers that overlap share them, so that many scrapes at once
// take about the memory of one.
func (r *Reading) Gather() (families []*dto.MetricFamily, done func(), err error) {
	s := r.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := r.now(); s.families == nil || now.Sub(s.madeAt) > shareTime {
		s.families, s.madeAt = r.newFamilies(now), now
	}
	s.users++
	return s.families, s.release, nil
}

// release lets the garbage collector have the families after their last user.
func (s *sharedFamilies) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 {
		s.families = nil
	}
}

// newFamilies returns the families of r that have metrics. A registry would build,
// validate and sort the series of each session individually, though their names
// and labels are known to be valid. Bypassing it halves the CPU cost of a large
// scrape.
func (r *Reading) newFamilies(now time.Time) []*dto.MetricFamily {
	families := slices.Concat(r.sessionFamilies(now), r.agentFamilies(now), r.summaryFamilies(), r.accountFamilies(), []*dto.MetricFamily{
		scrapeDuration.single(r.Duration.Seconds()),
		up.single(boolean(r.Up)),
	})
	if file := r.SessionFile; file != nil {
		families = append(families,
			fileReloadSuccessful.single(boolean(file.Err == nil)),
			fileReloadTimestamp.single(timestamp(file.LoadedAt)))
	}
	if file := r.KeyFile; file != nil {
		families = append(families, keyReloadSuccessful.single(boolean(file.Err == nil)))
	}
	return slices.DeleteFunc(families, func(f *dto.MetricFamily) bool { return len(f.Metric) == 0 })
}

func (r *Reading) accountFamilies() []*dto.MetricFamily {
	account := r.Account
	if account == nil {
		return nil
	}
	return []*dto.MetricFamily{
		credits.with(append(credits.known(account.AdditionalCreditsUSD, "additional"), credits.known(account.MonthlyCreditsUSD, "monthly")...)...),
		concurrentSessionsLimit.with(concurrentSessionsLimit.known(account.ConcurrentSessionsLimit)...),
		activeSessions.with(activeSessions.known(account.ActiveSessions)...),
		accountInfo.single(1, account.Plan, account.ProjectID),
	}
}

// sessionFamilies returns the families that have a series for each browser session.
func (r *Reading) sessionFamilies(now time.Time) []*dto.MetricFamily {
	infos, cuts := &series{}, 0
	families := browserSeries.families(r.Sessions, now, func(s *SessionReading) *string {
		return &s.Session.AgentSessionID
	}, func(s *SessionReading, labels []*dto.LabelPair) {
		if r.info != nil {
			pairs, cut := r.info.labelPairs(s, labels)
			infos.add(pairs, 1)
			cuts += cut
		}
	})
	if r.info != nil {
		families = append(families, r.info.with(infos.metrics...), metadataCut.single(float64(cuts)))
	}
	return families
}

// agentFamilies returns the families that have a series for each agent session.
func (r *Reading) agentFamilies(now time.Time) []*dto.MetricFamily {
	infos := &series{}
	families := agentSeries.families(r.AgentSessions, now, nil, func(s *AgentSessionReading, labels []*dto.LabelPair) {
		model, _ := cut(s.Session.Model, maxInfoLength)
		status, _ := cut(s.Session.Status, maxInfoLength)
		infos.add([]*dto.LabelPair{labels[0], {Name: &agentInfo.labels[1], Value: &model}, {Name: &agentInfo.labels[2], Value: &status}}, 1)
	})
	return append(families, agentInfo.with(infos.metrics...))
}

// families returns the families of sessions. first returns the value of the label before
// that of the ID, if there is one. each is called for each session whose values were read,
// with its labels.
func (s *sessionSeries[S]) families(
	sessions []Found[S], now time.Time, first func(*Found[S]) *string, each func(found *Found[S], labels []*dto.LabelPair),
) []*dto.MetricFamily {
	labels := s.labelPairs(sessions, first)
	ups, others := &series{}, make([]series, len(s.values))
	for j := range others {
		others[j].metrics = make([]*dto.Metric, 0, len(sessions))
	}
	for i := range sessions {
		found := &sessions[i]
		if found.hidden {
			continue
		}
		pairs := labels[i*len(s.labels) : (i+1)*len(s.labels) : (i+1)*len(s.labels)]
		ups.add(pairs[len(pairs)-1:], boolean(found.Err == nil))
		if found.Err != nil {
			continue
		}
		for j, f := range s.values {
			if value, ok := f.value(found.Session, now); ok {
				others[j].add(pairs, value)
			}
		}
		each(found, pairs)
	}
	families := append(make([]*dto.MetricFamily, 0, 1+len(s.values)), s.up.with(ups.metrics...))
	for j, f := range s.values {
		families = append(families, f.with(others[j].metrics...))
	}
	return families
}

// summaryFamilies returns the families about all sessions together.
func (r *Reading) summaryFamilies() []*dto.MetricFamily {
	active, stopped, unreadable := 0, 0, 0
	var oldest, dearest *apiclient.Session
	for i := range r.Sessions {
		s := &r.Sessions[i]
		switch {
		case s.Err != nil:
			unreadable++
			continue
		case !s.Session.Active():
			stopped++
			continue
		}
		active++
		if oldest == nil || s.Session.StartedAt.Before(oldest.StartedAt) {
			oldest = s.Session
		}
		if costKnown := s.Session.ProxyCost.Known || s.Session.BrowserCost.Known; costKnown && (dearest == nil || s.Session.Cost() > dearest.Cost()) {
			dearest = s.Session
		}
	}
	families := []*dto.MetricFamily{sessionsByState.with(
		sessionsByState.sample(float64(active), "active"),
		sessionsByState.sample(float64(stopped), "stopped"),
		sessionsByState.sample(float64(unreadable), "unreadable"))}
	if oldest != nil {
		families = append(families, oldestStart.single(timestamp(oldest.StartedAt)))
	}
	if dearest != nil {
		families = append(families, dearestCost.single(dearest.Cost()))
	}
	return families
}

// labelPairs returns the pairs of all sessions, one after the other. All series of a
// session share its pairs.
func (s *sessionSeries[S]) labelPairs(sessions []Found[S], first func(*Found[S]) *string) []*dto.LabelPair {
	made := make([]dto.LabelPair, len(sessions)*len(s.labels))
	pairs := make([]*dto.LabelPair, len(made))
	for i := range made {
		session, label := &sessions[i/len(s.labels)], i%len(s.labels)
		pairs[i], made[i].Name, made[i].Value = &made[i], &s.labels[label], &session.ID
		if label < len(s.labels)-1 && session.Err == nil {
			made[i].Value = first(session)
		}
	}
	return pairs
}

// series are the gauges of a family of many. Their memory is allocated in blocks:
// one allocation each would dominate the cost of a scrape.
type series struct {
	metrics []*dto.Metric
	block   []sample // what is left of the last one
}

type sample struct {
	metric dto.Metric
	gauge  dto.Gauge
	value  float64
}

func (s *series) add(labels []*dto.LabelPair, value float64) {
	const blockSize = 128
	if len(s.block) == 0 {
		s.block = make([]sample, blockSize)
	}
	next := &s.block[0]
	s.block = s.block[1:]
	next.value = value
	next.gauge.Value = &next.value
	next.metric.Label, next.metric.Gauge = labels, &next.gauge
	s.metrics = append(s.metrics, &next.metric)
}

// sample returns a gauge with the values of the family's labels in their order.
func (f *family) sample(value float64, labelValues ...string) *dto.Metric {
	pairs := make([]*dto.LabelPair, 0, len(f.labels))
	for i := range labelValues {
		pairs = append(pairs, &dto.LabelPair{Name: &f.labels[i], Value: &labelValues[i]})
	}
	return &dto.Metric{Label: pairs, Gauge: &dto.Gauge{Value: &value}}
}

// known returns a gauge alone, or nothing if its value is nil.
func (f *family) known(value *float64, labelValues ...string) []*dto.Metric {
	if value == nil {
		return nil
	}
	return []*dto.Metric{f.sample(*value, labelValues...)}
}

// single returns f with a gauge alone.
func (f *family) single(value float64, labelValues ...string) *dto.MetricFamily {
	return f.with(f.sample(value, labelValues...))
}

func (f *family) with(metrics ...*dto.Metric) *dto.MetricFamily {
	return &dto.MetricFamily{Name: &f.name, Help: &f.help, Type: dto.MetricType_GAUGE.Enum(), Metric: metrics}
}

// Reported returns a collector of the same metrics as Gatherer, for registries.
func (c *Collector) Reported(r *Reading) prometheus.Collector { return reported{c, r} }

type reported struct {
	*Collector
	reading *Reading
}

// Collect implements prometheus.Collector.
func (r reported) Collect(ch chan<- prometheus.Metric) {
	families, done, err := r.Gatherer(r.reading).Gather()
	defer done() // the metrics that were sent stay as they are
	if err != nil {
		ch <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
	}
	for _, f := range families {
		desc := descOf(f)
		for _, metric := range f.GetMetric() {
			ch <- gathered{desc, metric}
		}
	}
}

// descOf returns a desc that equals the one that Describe sends of a family.
func descOf(f *dto.MetricFamily) *prometheus.Desc {
	pairs := f.GetMetric()[0].GetLabel()
	labels := make([]string, 0, len(pairs))
	for _, pair := range pairs {
		labels = append(labels, pair.GetName())
	}
	return prometheus.NewDesc(f.GetName(), f.GetHelp(), labels, nil)
}

// gathered is a prometheus.Metric of what has been gathered already.
type gathered struct {
	desc   *prometheus.Desc
	metric *dto.Metric
}

func (g gathered) Desc() *prometheus.Desc { return g.desc }

func (g gathered) Write(out *dto.Metric) error {
	out.Label = slices.Clone(g.metric.Label) // who wraps a metric adds labels of its own
	out.Gauge, out.Counter, out.Histogram = g.metric.Gauge, g.metric.Counter, g.metric.Histogram
	return nil
}
