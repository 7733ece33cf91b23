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

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

//go:generate go run .

const (
	file = "browseruse.json"
	uid  = "browseruse-exporter"
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

// generate returns the dashboard as JSON.
func generate() ([]byte, error) {
	built, err := browserUse().Build()
	if err != nil {
		return nil, err
	}
	number(built.Panels)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(built)
	return text.Bytes(), err
}

// number gives each panel the ID that links to it have.
func number(panels []dashboard.PanelOrRowPanel) {
	for i := range panels {
		id := uint32(i + 1)
		if panel := panels[i].Panel; panel != nil {
			panel.Id = &id
		} else {
			panels[i].RowPanel.Id = id
		}
	}
}

// browserUse is the dashboard, from what is wrong now down to how the exporter
// itself does. It is one of the first model, which every Grafana in use can read.
func browserUse() *dashboard.DashboardBuilder { //nolint:staticcheck // see above
	d := dashboard.NewDashboardBuilder("Browser Use"). //nolint:staticcheck // see above
								Uid(uid).
								Description("What the browser sessions of Browser Use Cloud cost, and what is about to happen. Needs the rules of deploy/prometheus/rules.yml.").
								Tags([]string{"browseruse", "cost"}).
								Time("now-6h", "now").
								Refresh("30s").
								Timezone("browser").
								Readonly().
								Tooltip(dashboard.DashboardCursorSyncCrosshair)
	for _, variable := range variables() {
		d = d.WithVariable(variable)
	}
	for _, row := range []row{troubleRow(), spendingRow(), sessionsRow(), aheadRow(), exporterRow()} {
		d = d.WithRow(dashboard.NewRowBuilder(row.title))
		for _, panel := range row.panels {
			d = d.WithPanel(panel)
		}
	}
	return d
}

// source is the data source that the variable names.
var source = common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}
