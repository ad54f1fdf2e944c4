package cost_test

import (
	"encoding/base64"
	"strings"
	"testing"
)

// item is an item in DynamoDB JSON: an attribute has the form {"S": "text"}.
type item map[string]map[string]any

// Sizes of one unit in bytes:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
const (
	writeUnit  = 1 << 10
	readUnit   = 4 << 10
	sqsRequest = 64 << 10 // https://aws.amazon.com/sqs/pricing/
)

func writeUnits(size int) float64 { return units(size, writeUnit) }

// readUnits returns the units of a read of size bytes. An eventually consistent read
// costs half.
func readUnits(size int, consistent bool) float64 {
	if consistent {
		return units(size, readUnit)
	}
	return units(size, readUnit) / 2
}

// units returns at least 1: a read that finds nothing costs one unit as well.
func units(size, unit int) float64 { return float64(max(1, (size+unit-1)/unit)) }

// size returns the size of an item in bytes:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (it item) size() int {
	sum := 0
	for name, value := range it {
		sum += len(name) + valueSize(value)
	}
	return sum
}

func valueSize(value map[string]any) int {
	for kind, v := range value {
		switch kind {
		case "S":
			return len(v.(string))
		case "N":
			return numberSize(v.(string))
		case "B":
			return base64.StdEncoding.DecodedLen(len(v.(string))) - strings.Count(v.(string), "=")
		case "SS", "NS", "BS":
			sum := 0
			for _, element := range v.([]any) {
				sum += valueSize(map[string]any{kind[:1]: element})
			}
			return sum
		case "L":
			sum := 3
			for _, element := range v.([]any) {
				sum += 1 + valueSize(element.(map[string]any))
			}
			return sum
		case "M":
			sum := 3
			for name, element := range v.(map[string]any) {
				sum += 1 + len(name) + valueSize(element.(map[string]any))
			}
			return sum
		}
	}
	return 1 // BOOL and NULL
}

// numberSize returns about one byte for two significant digits, and one more.
func numberSize(n string) int {
	digits := strings.Trim(strings.NewReplacer("-", "", ".", "").Replace(n), "0")
	return min(21, (len(digits)+1)/2+1+strings.Count(n[:1], "-"))
}

func TestItemSize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		item item
		want int
	}{
		{name: "text in UTF-8", item: item{"k": {"S": "环"}}, want: 1 + 3},
		{name: "number", item: item{"n": {"N": "1700000000123"}}, want: 1 + 8},
		{name: "negative number", item: item{"n": {"N": "-12"}}, want: 1 + 3},
		{name: "zero", item: item{"n": {"N": "0"}}, want: 1 + 1},
		{name: "binary", item: item{"b": {"B": "AAEC"}}, want: 1 + 3},
		{name: "padded binary", item: item{"b": {"B": "AA=="}}, want: 1 + 1},
		{name: "flag", item: item{"f": {"BOOL": true}}, want: 1 + 1},
		{name: "set", item: item{"s": {"NS": []any{"1", "22"}}}, want: 1 + 2 + 2},
		{name: "list", item: item{"l": {"L": []any{map[string]any{"S": "ab"}}}}, want: 1 + 3 + 1 + 2},
		{name: "map", item: item{"m": {"M": map[string]any{"x": map[string]any{"S": "ab"}}}}, want: 1 + 3 + 1 + 1 + 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.item.size(); got != c.want {
				t.Errorf("size = %d, want %d", got, c.want)
			}
		})
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]float64{0: 1, 1: 1, 1024: 1, 1025: 2} {
		if got := writeUnits(size); got != want {
			t.Errorf("a write of %d bytes is %v units, want %v", size, got, want)
		}
	}
	if got := readUnits(4097, true); got != 2 {
		t.Errorf("a consistent read of 4097 bytes is %v units, want 2", got)
	}
	if got := readUnits(0, false); got != 0.5 {
		t.Errorf("an eventually consistent read of nothing is %v units, want 0.5", got)
	}
}
