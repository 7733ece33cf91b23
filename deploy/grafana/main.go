// Grafana writes the dashboard, browseruse.json, to the folder that it is
// started in.
//
//	cd deploy/grafana && go generate
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

//go:generate go run .

const (
	file = "browseruse.json"
	uid  = "browseruse-exporter" // the rules link to it
)

func main() {
	text, err := generate()
	if err == nil {
		err = os.WriteFile(file, text, 0o644) //nolint:gosec // for all to read
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// generate returns the dashboard as JSON, with what it needs of a Grafana.
func generate() ([]byte, error) {
	built, err := browserUse().Build()
	if err != nil {
		return nil, err
	}
	built.Links[0].Placement = nil // above the panels, not in a menu
	number(built.Panels)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(struct {
		Requires []requirement `json:"__requires"`
		dashboard.Dashboard
	}{[]requirement{{"grafana", "grafana", "Grafana", "12.1.0"}, {"datasource", "prometheus", "Prometheus", "1.0.0"}}, built})
	return text.Bytes(), err
}

// requirement is what grafana.com shows and the import checks.
type requirement struct {
	Type    string `json:"type"`
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version string `json:"version"`
}

// number gives each panel the ID that links to it have.
func number(panels []dashboard.PanelOrRowPanel) {
	var id uint32
	next := func() uint32 { id++; return id }
	for _, p := range panels {
		if p.Panel != nil {
			p.Panel.Id = new(next())
			continue
		}
		p.RowPanel.Id = next()
		for i := range p.RowPanel.Panels {
			p.RowPanel.Panels[i].Id = new(next())
		}
	}
}

// browserUse is the dashboard, from what is wrong now down to the exporter
// itself. It has the classic model, which every Grafana in use can read.
func browserUse() *dashboard.DashboardBuilder { //nolint:staticcheck // see above
	d := dashboard.NewDashboardBuilder("Browser Use"). //nolint:staticcheck // see above
								Uid(uid).
								Version(1).
								Description("What browser sessions and agents on Browser Use Cloud cost, and who holds the slots. Needs the rules of deploy/prometheus/rules.yml.").
								Tags([]string{"browseruse", "cost"}).
								Time("now-6h", "now").
								Refresh("30s").
								Timezone("utc"). // as the exporter's status page
								Editable().
								Tooltip(dashboard.DashboardCursorSyncCrosshair).
								Annotation(alertAnnotation()).
								Link(dashboard.NewDashboardLinkBuilder("Runbook").Type(dashboard.DashboardLinkTypeLink).Icon("doc").Url(runbook).TargetBlank(true))
	for _, variable := range variables() {
		d = d.WithVariable(variable)
	}
	// What an incident needs is open. Grafana asks the queries of a closed row when somebody opens it.
	for _, row := range []row{troubleRow(), spendingRow(), sessionsRow()} {
		d = d.WithRow(dashboard.NewRowBuilder(row.title))
		for _, panel := range row.panels {
			d = d.WithPanel(panel)
		}
	}
	for _, row := range []row{slotsRow(), agentsRow(), distributionRow(), exporterRow()} {
		closed := dashboard.NewRowBuilder(row.title).Collapsed(true)
		for _, panel := range row.panels {
			closed = closed.WithPanel(panel)
		}
		d = d.WithRow(closed)
	}
	return d
}

// row is a part of the dashboard. Its panels fill lines of 24 columns.
type row struct {
	title  string
	panels []cog.Builder[dashboard.Panel]
}

// source is the data source that the variable names.
var source = common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}
