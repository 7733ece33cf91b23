package collector

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Gather implements prometheus.Gatherer: all that Collect sends, in the form in
// which it is written out. The series of the sessions go past the registry,
// which would make, check, sort and check again each of them by itself; their
// names and labels are known to be good. That is half of what a scrape of many
// sessions would cost.
func (r *Reading) Gather() ([]*dto.MetricFamily, error) {
	registry := prometheus.NewRegistry()
	if err := registry.Register(others{r}); err != nil {
		return nil, err
	}
	families, err := registry.Gather()
	families = append(families, r.sessionFamilies(r.now())...)
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return families, err
}

// others collects what is not of each session, and browseruse_session_info,
// which is rarely asked for.
type others struct{ reading *Reading }

func (o others) Describe(ch chan<- *prometheus.Desc) { o.reading.describeOthers(ch) }

func (o others) Collect(ch chan<- prometheus.Metric) { o.reading.collectOthers(ch) }

func (r *Reading) sessionFamilies(now time.Time) []*dto.MetricFamily {
	pairs := r.labelPairs()
	up := newFamily(sessionUpName, sessionUpHelp, len(r.Sessions))
	for i := range r.Sessions {
		up.add(pairs[2*i+1:2*i+2], boolean(r.Sessions[i].Err == nil))
	}
	families := make([]*dto.MetricFamily, 0, 1+len(sessionGauges))
	families = append(families, up.family)
	for _, gauge := range sessionGauges {
		f := newFamily(gauge.name, gauge.help, len(r.Sessions))
		for i := range r.Sessions {
			s := &r.Sessions[i]
			if s.Err != nil {
				continue
			}
			if value, ok := gauge.value(&s.Session, now); ok {
				f.add(pairs[2*i:2*i+2], value)
			}
		}
		families = append(families, f.family)
	}
	return slices.DeleteFunc(families, func(f *dto.MetricFamily) bool { return len(f.Metric) == 0 })
}

// labelPairs returns two pairs for each session, sorted by their names as they
// have to be: agent_session_id and session_id. All series of a session share
// them.
func (r *Reading) labelPairs() []*dto.LabelPair {
	agentSession, session := sessionLabels[1], sessionLabels[0]
	made := make([]dto.LabelPair, 2*len(r.Sessions))
	pairs := make([]*dto.LabelPair, len(made))
	for i := range r.Sessions {
		s := &r.Sessions[i]
		made[2*i].Name, made[2*i].Value = &agentSession, &s.Session.AgentSessionID
		made[2*i+1].Name, made[2*i+1].Value = &session, &s.ID
		pairs[2*i], pairs[2*i+1] = &made[2*i], &made[2*i+1]
	}
	return pairs
}

// family is a metric family of gauges in the making. What its metrics consist of
// is allocated at once, with the first.
type family struct {
	family  *dto.MetricFamily
	size    int // how many metrics there may be
	metrics []dto.Metric
	gauges  []dto.Gauge
	values  []float64
}

func newFamily(name, help string, size int) *family {
	return &family{family: &dto.MetricFamily{Name: &name, Help: &help, Type: dto.MetricType_GAUGE.Enum()}, size: size}
}

func (f *family) add(labels []*dto.LabelPair, value float64) {
	n := len(f.family.Metric)
	if n == 0 {
		f.family.Metric = make([]*dto.Metric, 0, f.size)
		f.metrics, f.gauges, f.values = make([]dto.Metric, f.size), make([]dto.Gauge, f.size), make([]float64, f.size)
	}
	f.values[n] = value
	f.gauges[n].Value = &f.values[n]
	f.metrics[n].Label, f.metrics[n].Gauge = labels, &f.gauges[n]
	f.family.Metric = append(f.family.Metric, &f.metrics[n])
}
