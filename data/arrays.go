package data

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// loadNPY reads arrays into a table, and goes on as with CSV.
func loadNPY(ctx context.Context, s Source) (*Data, error) {
	f := s.files()
	x, y, err := readArrays(ctx, f[0], f[1])
	if err != nil {
		return nil, err
	}
	if len(s.Image) == 0 && len(x.dims) > 2 {
		s.Image = imageOf(x.dims[1:])
	}
	t := &table{}
	if len(s.Image) > 0 && s.Numeric == "" {
		t.pixels = &pixels{}
	} else {
		for i := range x.row() {
			t.columns = append(t.columns, &column{name: fmt.Sprintf("x%d", i)})
		}
	}
	target := &column{name: "y"}
	if err := t.add(x, y, target, f[0], f[1]); err != nil {
		return nil, err
	}
	own := t.rows
	if f[2].path != "" {
		testX, testY, err := readArrays(ctx, f[2], f[3])
		if err != nil {
			return nil, err
		}
		if !slices.Equal(testX.dims[1:], x.dims[1:]) {
			return nil, f[2].fault("rows of %v, but those of %s are %v", Shape(testX.dims[1:]), f[0].path, Shape(x.dims[1:]))
		}
		if err := t.add(testX, testY, target, f[2], f[3]); err != nil {
			return nil, err
		}
	}
	d, _, err := build(s, t, target, own)
	if e := (*Error)(nil); errors.As(err, &e) {
		e.Path = s.NPY.X
		if e.Key == "target" || e.Key == "task" {
			e.Path = s.NPY.Y
		}
	}
	return d, err
}

// readArrays reads the inputs and targets of the same rows.
func readArrays(ctx context.Context, inputs, targets file) (x, y array, err error) {
	if y, err = readFile(ctx, targets, readNPY); err != nil {
		return x, y, err
	}
	if len(y.dims) > 2 || y.row() != 1 {
		return x, y, targets.fault("the shape is %v; give one target a row", Shape(y.dims))
	}
	if x, err = readFile(ctx, inputs, readNPY); err != nil {
		return x, y, err
	}
	switch {
	case len(x.dims) < 2 || len(x.dims) > 4:
		return x, y, inputs.fault("%d dimensions; give rows × features, or rows × height × width (× channels)", len(x.dims))
	case x.dims[0] != y.dims[0]:
		return x, y, inputs.fault("%d rows, but %s has %d", x.dims[0], targets.path, y.dims[0])
	}
	return x, y, nil
}

// add appends the rows of two arrays.
func (t *table) add(x, y array, target *column, inputs, targets file) error {
	w := x.row()
	if t.pixels != nil {
		t.pixels.arrays = append(t.pixels.arrays, x)
	}
	for i := range y.dims[0] {
		for j := range w {
			v := x.at(i*w + j)
			ok := !(math.Abs(v) > math.MaxFloat32)
			if t.pixels == nil {
				ok = t.columns[j].addValue(v)
			}
			if !ok {
				return inputs.fault("value %d of row %d is %v; only finite numbers of float32's range, and NaN for missing ones, are read", j, i, v)
			}
		}
		if v := y.at(i); !target.addValue(v) {
			return targets.fault("value %d is %v; only finite numbers of float32's range, and NaN for missing ones, are read", i, v)
		}
	}
	t.rows += y.dims[0]
	return nil
}
