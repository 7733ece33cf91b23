package collector

import (
	"cmp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Family is a metric family that is made when it is written: those of many
// sessions, all at once, would fill more memory than all else of a scrape.
type Family struct {
	Name string
	Make func() *dto.MetricFamily // without metrics if there are none
}

// FamiliesOf returns those that are made already.
func FamiliesOf(made []*dto.MetricFamily) []Family {
	families := make([]Family, 0, len(made))
	for _, family := range made {
		families = append(families, Family{Name: family.GetName(), Make: func() *dto.MetricFamily { return family }})
	}
	return families
}

// SortFamilies puts families into the order of their names.
func SortFamilies(families []Family) {
	slices.SortFunc(families, func(a, b Family) int { return cmp.Compare(a.Name, b.Name) })
}

// Families returns all that Collect sends, in the form in which it is written
// out. What one of them makes holds until the next is made. The series of the
// sessions go past a registry, which would make, check, sort and check again each
// of them by itself; their names and labels are known to be good. That is half of
// what a scrape of many sessions would cost.
func (r *Reading) Families() ([]Family, error) {
	registry := prometheus.NewRegistry()
	if err := registry.Register(others{r}); err != nil {
		return nil, err
	}
	made, err := registry.Gather()
	families := append(r.sessionFamilies(), FamiliesOf(made)...)
	SortFamilies(families)
	return families, err
}

// others collects what is not of each session.
type others struct{ reading *Reading }

func (o others) Describe(ch chan<- *prometheus.Desc) { o.reading.describeOthers(ch) }

func (o others) Collect(ch chan<- prometheus.Metric) { o.reading.collectOthers(ch) }

// sessionFamilies returns the families that have a series for each session.
func (r *Reading) sessionFamilies() []Family {
	series, labels, now := newSeries(len(r.Sessions)), r.labelPairs(), r.now()
	families := make([]Family, 0, 2+len(sessionGauges))
	families = append(families, Family{Name: sessionUpName, Make: func() *dto.MetricFamily {
		series.begin()
		for i := range r.Sessions {
			series.add(labels[i][1:], boolean(r.Sessions[i].Err == nil))
		}
		return series.family(sessionUpName, sessionUpHelp)
	}})
	for _, gauge := range sessionGauges {
		families = append(families, Family{Name: gauge.name, Make: func() *dto.MetricFamily {
			series.begin()
			for i := range r.Sessions {
				s := &r.Sessions[i]
				if value, ok := gauge.value(&s.Session, now); ok && s.Err == nil {
					series.add(labels[i][:], value)
				}
			}
			return series.family(gauge.name, gauge.help)
		}})
	}
	if r.info != nil {
		families = append(families, Family{Name: sessionInfoName, Make: func() *dto.MetricFamily {
			series.begin()
			for i := range r.Sessions {
				if s := &r.Sessions[i]; s.Err == nil {
					series.add(r.info.labelPairs(s, labels[i]), 1)
				}
			}
			return series.family(sessionInfoName, sessionInfoHelp)
		}})
	}
	return families
}

// labelPairs returns the pairs of each session, sorted by their names as they
// have to be: agent_session_id and session_id. All its series share them.
func (r *Reading) labelPairs() [][2]*dto.LabelPair {
	session, agentSession := sessionLabels[0], sessionLabels[1]
	made := make([][2]dto.LabelPair, len(r.Sessions))
	pairs := make([][2]*dto.LabelPair, len(r.Sessions))
	for i := range r.Sessions {
		s := &r.Sessions[i]
		made[i][0].Name, made[i][0].Value = &agentSession, &s.Session.AgentSessionID
		made[i][1].Name, made[i][1].Value = &session, &s.ID
		pairs[i] = [2]*dto.LabelPair{&made[i][0], &made[i][1]}
	}
	return pairs
}

// series are the gauges of one family after another, each in the memory of the
// one before.
type series struct {
	count   int
	metrics []*dto.Metric
	values  []float64
}

func newSeries(most int) *series {
	s := &series{metrics: make([]*dto.Metric, most), values: make([]float64, most)}
	metrics, gauges := make([]dto.Metric, most), make([]dto.Gauge, most)
	for i := range most {
		gauges[i].Value = &s.values[i]
		metrics[i].Gauge = &gauges[i]
		s.metrics[i] = &metrics[i]
	}
	return s
}

func (s *series) begin() { s.count = 0 }

func (s *series) add(labels []*dto.LabelPair, value float64) {
	s.metrics[s.count].Label, s.values[s.count] = labels, value
	s.count++
}

func (s *series) family(name, help string) *dto.MetricFamily {
	return &dto.MetricFamily{Name: &name, Help: &help, Type: dto.MetricType_GAUGE.Enum(), Metric: s.metrics[:s.count]}
}
