package collector

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"browseruse_exporter/internal/redact"
)

// infoDesc is browseruse_session_info, whose labels depend on the configuration.
type infoDesc struct {
	family
	keys      []string // of the metadata, in the order of their labels
	metadata  []string // their labels
	maxLength int      // of a value, in bytes; 0: no limit
}

// cutMark ends a value that was cut.
const cutMark = "…"

// maxInfoLength is how long the model and the status of an agent session are at most, in
// bytes: several times what the API has.
const maxInfoLength = 64

func newInfoDesc(keys []string, maxLength int) *infoDesc {
	if len(keys) == 0 {
		return nil
	}
	keys = slices.SortedFunc(slices.Values(keys), func(a, b string) int { return cmp.Compare(metadataLabel(a), metadataLabel(b)) })
	labels := make([]string, 0, len(keys))
	for _, key := range keys {
		labels = append(labels, metadataLabel(key))
	}
	sorted := slices.Sorted(slices.Values(slices.Concat(sessionLabels, labels)))
	return &infoDesc{
		family:    family{"browseruse_session_info", "Metadata of the session, for joins; always 1.", sorted},
		keys:      keys,
		metadata:  labels,
		maxLength: maxLength,
	}
}

// value returns the value that a session has for a key of the metadata, and whether
// it was cut. Whoever opens a browser sets it, and one that exceeds the
// label_value_length_limit of a Prometheus fails the whole scrape.
func (d *infoDesc) value(s *SessionReading, key string) (value string, wasCut bool) {
	return cut(s.Session.Metadata[key], d.maxLength)
}

// cut cuts a value that is longer than so many bytes, unless these are 0, and reports
// whether it did.
func cut(value string, maxLength int) (string, bool) {
	if maxLength == 0 || len(value) <= maxLength {
		return value, false
	}
	return strings.ToValidUTF8(value[:max(0, maxLength-len(cutMark))], "") + cutMark, true
}

// labelNames returns the labels that come from the metadata.
func (d *infoDesc) labelNames() []string {
	if d == nil {
		return nil
	}
	return d.metadata
}

// labelPairs returns the pairs of a session, sorted by their names, from those
// that all its series have, and how many of their values were cut.
func (d *infoDesc) labelPairs(s *SessionReading, common []*dto.LabelPair) (pairs []*dto.LabelPair, cuts int) {
	pairs = append(make([]*dto.LabelPair, 0, len(common)+len(d.keys)), common[0])
	for i, key := range d.keys {
		value, cut := d.value(s, key)
		if cut {
			cuts++
		}
		pairs = append(pairs, &dto.LabelPair{Name: &d.metadata[i], Value: &value})
	}
	return append(pairs, common[1]), cuts
}

// Metadata returns the values of a session of r for the labels that the metadata
// has been configured to be, by label; nil without such labels.
func (r *Reading) Metadata(s *SessionReading) map[string]string {
	if r.info == nil || s.Err != nil {
		return nil
	}
	values := make(map[string]string, len(r.info.keys))
	for i, key := range r.info.keys {
		values[r.info.metadata[i]], _ = r.info.value(s, key)
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

// CheckMetadataLabels reports whether all keys can be labels at once.
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
