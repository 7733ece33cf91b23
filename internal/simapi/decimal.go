package simapi

import (
	"math/big"
	"strconv"
	"strings"
	"sync"
	"time"
)

// significantDigits is the precision of Python's decimals, in which the real
// API seems to compute (a guess from captured values).
const significantDigits = 28

// Dividing by 2^n is multiplying by 5^n and moving the point by n digits: so
// figures for the proxy, 5/2^30 USD a byte, need no division.
var (
	five20 = new(big.Int).Exp(big.NewInt(5), big.NewInt(20), nil)
	five31 = new(big.Int).Exp(big.NewInt(5), big.NewInt(31), nil)
)

// proxyMBText writes the megabytes that so many bytes are.
func proxyMBText(bytes int64) string {
	n := big.NewInt(bytes)
	return decimalText(n.Mul(n, five20), -20)
}

// proxyCostText writes what so many bytes cost, in USD.
func proxyCostText(bytes int64) string {
	n := big.NewInt(bytes)
	return decimalText(n.Mul(n, five31), -30)
}

// browserCostText writes what so many minutes cost, in USD.
func browserCostText(minutes int64) string {
	if costs := browserCosts(); minutes < int64(len(costs)) {
		return costs[minutes]
	}
	return divideMinutes(minutes)
}

// browserCosts is the cost of every number of minutes that the real API allows.
var browserCosts = sync.OnceValue(func() []string {
	costs := make([]string, longestTimeout/time.Minute+1)
	for minutes := range costs {
		costs[minutes] = divideMinutes(int64(minutes))
	}
	return costs
})

// divideMinutes divides minutes by browserMinutesPerUSD, to many more digits
// than are written; a last digit 1 stands for those that are left out, so that
// the rounding knows of them.
func divideMinutes(minutes int64) string {
	const places = significantDigits + 12
	n := new(big.Int).Exp(big.NewInt(10), big.NewInt(places), nil)
	n.Mul(n, big.NewInt(minutes))
	rest := new(big.Int)
	n.QuoRem(n, big.NewInt(browserMinutesPerUSD), rest)
	n.Mul(n, big.NewInt(10))
	if rest.Sign() != 0 {
		n.Add(n, big.NewInt(1))
	}
	return decimalText(n, -places-1)
}

// decimalText writes n * 10^exponent, n not negative and exponent not positive,
// as Python prints a quotient of decimals: without zeros at the end where it is
// exact, else rounded half to even; and with an exponent below 1e-6.
func decimalText(n *big.Int, exponent int) string {
	if n.Sign() == 0 {
		return "0"
	}
	digits := n.String()
	for exponent < 0 && digits[len(digits)-1] == '0' {
		digits, exponent = digits[:len(digits)-1], exponent+1
	}
	if len(digits) > significantDigits {
		digits, exponent = round(digits, exponent)
	}
	point := len(digits) + exponent // digits before the point
	switch {
	case exponent >= 0:
		return digits + strings.Repeat("0", exponent)
	case point > 0:
		return digits[:point] + "." + digits[point:]
	case point > -6:
		return "0." + strings.Repeat("0", -point) + digits
	case len(digits) == 1:
		return digits + "E" + strconv.Itoa(point-1)
	default:
		return digits[:1] + "." + digits[1:] + "E" + strconv.Itoa(point-1)
	}
}

// round cuts digits off, half to even.
func round(digits string, exponent int) (string, int) {
	kept, cut := digits[:significantDigits], digits[significantDigits:]
	exponent += len(cut)
	half := "5" + strings.Repeat("0", len(cut)-1)
	odd := (kept[significantDigits-1]-'0')%2 == 1
	if cut < half || cut == half && !odd {
		return kept, exponent
	}
	n, _ := new(big.Int).SetString(kept, 10)
	kept = n.Add(n, big.NewInt(1)).String()
	if len(kept) > significantDigits { // 99...9 became 100...0
		kept, exponent = kept[:significantDigits], exponent+1
	}
	return kept, exponent
}
