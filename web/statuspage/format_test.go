package statuspage

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                            "0s",
		999 * time.Millisecond:       "0s",
		59 * time.Second:             "59s",
		61 * time.Second:             "1m 01s",
		time.Hour + 5*time.Minute:    "1h 05m",
		24*time.Hour + 3*time.Minute: "1d 00h",
		-90 * time.Second:            "0s", // clocks differ
	} {
		if got := duration(d.Seconds()); got != want {
			t.Errorf("duration(%v) = %q; want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{-62500 * time.Millisecond: "-1m 02s", 62500 * time.Millisecond: "1m 02s"} {
		if got := left(d.Seconds()); got != want {
			t.Errorf("left(%v) = %q; want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{-time.Second: "0s ago", 95 * time.Second: "1m ago", 30 * time.Hour: "1d ago"} {
		if got := ago(d.Seconds()); got != want {
			t.Errorf("ago(%v) = %q; want %q", d, got, want)
		}
	}
}

func TestMoney(t *testing.T) {
	for v, want := range map[float64]string{
		0: "$0.00", 0.00001: "<$0.0001", -0.00001: "<-$0.0001", 0.0003: "$0.0003", 0.01: "$0.01", 0.237: "$0.24", 1: "$1.00", -0.5: "-$0.50", 1234.567: "$1,234.57",
		-1234567.891: "-$1,234,567.89", 999.999: "$1,000.00",
	} {
		if got := usd(v); got != want {
			t.Errorf("usd(%v) = %q; want %q", v, got, want)
		}
	}
	if got := count(-1234567); got != "-1,234,567" {
		t.Errorf("count(-1234567) = %q", got)
	}
	if got := megabytes(123456.78); got != "123,456.8" {
		t.Errorf("megabytes(new(123456.78)) = %q", got)
	}
}
