package apitest

import (
	"fmt"
	"math/big"
	"strings"
)

// significantDigits is the precision of Python's decimals, in which the real
// API seems to compute.
const significantDigits = 28

// decimalText writes a quotient, zero or positive, as a division of Python's
// decimals would print it: exact where that takes no more digits than it has,
// else rounded half to even; with an exponent below 1e-6.
func decimalText(value *big.Rat) string {
	if value.Sign() == 0 {
		return "0"
	}
	digits, exponent := significand(value)
	switch adjusted := exponent + len(digits) - 1; {
	case exponent > 0:
		return digits + strings.Repeat("0", exponent)
	case exponent == 0:
		return digits
	case adjusted >= 0:
		return digits[:adjusted+1] + "." + digits[adjusted+1:]
	case adjusted >= -6:
		return "0." + strings.Repeat("0", -adjusted-1) + digits
	case len(digits) == 1:
		return fmt.Sprintf("%sE%d", digits, adjusted)
	default:
		return fmt.Sprintf("%s.%sE%d", digits[:1], digits[1:], adjusted)
	}
}

// significand returns the value's digits and the power of ten that they count.
func significand(value *big.Rat) (digits string, exponent int) {
	// Somewhat more digits than needed, cut off, then one digit that says
	// whether anything but zeros was cut, so that halves round as they should.
	const guard = 4
	scale := significantDigits + guard + len(value.Denom().String()) - len(value.Num().String())
	num, den := new(big.Int).Set(value.Num()), new(big.Int).Set(value.Denom())
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(scale, -scale))), nil)
	if scale >= 0 {
		num.Mul(num, power)
	} else {
		den.Mul(den, power)
	}
	quotient, rest := num.QuoRem(num, den, new(big.Int))
	text := quotient.String()
	excess := len(text) - significantDigits
	exponent = excess - scale
	digits, cut := text[:significantDigits], text[significantDigits:]
	exact := rest.Sign() == 0 && strings.Trim(cut, "0") == ""
	if exact {
		trimmed := strings.TrimRight(digits, "0")
		exponent += len(digits) - len(trimmed)
		if exponent > 0 { // a whole number has no exponent to save its zeros
			trimmed += strings.Repeat("0", exponent)
			exponent = 0
		}
		return trimmed, exponent
	}
	half := "5" + strings.Repeat("0", len(cut)-1)
	odd := (digits[len(digits)-1]-'0')%2 == 1
	if cut > half || cut == half && (rest.Sign() > 0 || odd) {
		rounded, _ := new(big.Int).SetString(digits, 10)
		digits = rounded.Add(rounded, big.NewInt(1)).String()
		if len(digits) > significantDigits {
			digits, exponent = digits[:significantDigits], exponent+1
		}
	}
	return digits, exponent
}
