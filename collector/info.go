package collector

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"browseruse_exporter/apiclient"
	"browseruse_exporter/internal/redact"
)

const (
	sessionInfoName = "browseruse_session_info"
	sessionInfoHelp = "Metadata of the session, for joins; always 1."
)

// infoDesc is browseruse_session_info, whose labels depend on the configuration.
type infoDesc struct {
	desc   *prometheus.Desc
	keys   []string // of the metadata, in the order of their labels
	labels []string // what they are called
}

func newInfoDesc(keys []string) *infoDesc {
	if len(keys) == 0 {
		return nil
	}
	keys = slices.SortedFunc(slices.Values(keys), func(a, b string) int { return cmp.Compare(metadataLabel(a), metadataLabel(b)) })
	labels := make([]string, 0, len(keys))
	for _, key := range keys {
		labels = append(labels, metadataLabel(key))
	}
	return &infoDesc{keys: keys, labels: labels, desc: prometheus.NewDesc(sessionInfoName, sessionInfoHelp, slices.Concat(sessionLabels, labels), nil)}
}

func (d *infoDesc) collect(ch chan<- prometheus.Metric, session *apiclient.Session) {
	values := make([]string, 0, 2+len(d.keys))
	values = append(values, session.ID, session.AgentSessionID)
	for _, key := range d.keys {
		values = append(values, session.Metadata[key])
	}
	gauge(ch, d.desc, 1, values...)
}

// labelPairs returns the pairs of a session, sorted by their names, from those
// that all its series have.
func (d *infoDesc) labelPairs(s *SessionReading, common [2]*dto.LabelPair) []*dto.LabelPair {
	pairs := append(make([]*dto.LabelPair, 0, len(common)+len(d.keys)), common[0])
	for i, key := range d.keys {
		value := s.Session.Metadata[key]
		pairs = append(pairs, &dto.LabelPair{Name: &d.labels[i], Value: &value})
	}
	return append(pairs, common[1])
}

// Metadata returns the values of a session of r for the labels that the metadata
// has been configured to be, by label; nil if there are none.
func (r *Reading) Metadata(s *SessionReading) map[string]string {
	if r.info == nil || s.Err != nil {
		return nil
	}
	values := make(map[string]string, len(r.info.keys))
	for i, key := range r.info.keys {
		values[r.info.labels[i]] = s.Session.Metadata[key]
	}
	return values
}

// metadataLabel is the name of the label for a key of the metadata.
func metadataLabel(key string) string {
	return "metadata_" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, key)
}

// CheckMetadataLabels says whether all keys can be labels at once.
func CheckMetadataLabels(keys []string) error {
	taken := map[string]string{}
	for _, key := range keys {
		label := metadataLabel(key)
		if other, ok := taken[label]; ok {
			return fmt.Errorf("%s and %s would both be the label %s; give one of them", redact.Quote(other), redact.Quote(key), redact.Value(label))
		}
		taken[label] = key
	}
	return nil
}
