package data

import (
	"fmt"
	"math"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// parquetType is how the values of a Parquet column are read: as numbers, or as
// text if number is nil.
type parquetType struct{ number func(parquet.Value) float64 }

// typeOf is how a column is read. Booleans are 0 and 1; dates, times and
// timestamps are numbers in their own unit; byte arrays are text unless they are
// decimals.
func typeOf(field *parquet.Column) (parquetType, error) {
	if !field.Leaf() || field.MaxRepetitionLevel() > 0 {
		return parquetType{}, fmt.Errorf("the column is nested; flatten it, or put it into ignore")
	}
	t := field.Type()
	var logical format.LogicalTypeValue
	if l := t.LogicalType(); l != nil {
		logical = l.Value
	}
	scale := 1.
	decimal, isDecimal := logical.(*format.DecimalType)
	if isDecimal {
		scale = math.Pow10(-int(decimal.Scale))
	}
	integer, isInteger := logical.(*format.IntType)
	unsigned := isInteger && !integer.IsSigned
	if _, is := logical.(*format.NullType); is {
		return parquetType{func(parquet.Value) float64 { return math.NaN() }}, nil // all are missing
	}
	switch k := t.Kind(); {
	case k == parquet.Boolean:
		return parquetType{func(v parquet.Value) float64 {
			if v.Boolean() {
				return 1
			}
			return 0
		}}, nil
	case k == parquet.Int32 && unsigned:
		return parquetType{func(v parquet.Value) float64 { return float64(v.Uint32()) }}, nil
	case k == parquet.Int32:
		return parquetType{func(v parquet.Value) float64 { return float64(v.Int32()) * scale }}, nil
	case k == parquet.Int64 && unsigned:
		return parquetType{func(v parquet.Value) float64 { return float64(v.Uint64()) }}, nil
	case k == parquet.Int64:
		return parquetType{func(v parquet.Value) float64 { return float64(v.Int64()) * scale }}, nil
	case k == parquet.Float:
		return parquetType{func(v parquet.Value) float64 { return float64(v.Float()) }}, nil
	case k == parquet.Double:
		return parquetType{parquet.Value.Double}, nil
	case isDecimal && (k == parquet.ByteArray || k == parquet.FixedLenByteArray):
		return parquetType{func(v parquet.Value) float64 { return bigEndian(v.ByteArray()) * scale }}, nil
	case k == parquet.ByteArray:
		return parquetType{}, nil
	}
	return parquetType{}, fmt.Errorf("the type %s is neither number nor text; put the column into ignore", t)
}

// bigEndian is a two's complement number of any length.
func bigEndian(b []byte) float64 {
	x := 0.
	for i, d := range b {
		if i == 0 {
			x = float64(int8(d))
		} else {
			x = x*256 + float64(d)
		}
	}
	return x
}
