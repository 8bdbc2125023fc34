package data_test

import (
	"context"
	"fmt"

	"budwood/data"
)

func ExampleLoad() {
	d, err := data.Load(context.Background(), data.Source{
		CSV:    "../examples/adult/adult.csv.gz",
		Target: "income",
		Split:  data.Split{Valid: 0.2, Test: 0.2, Seed: 7},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Task, d.ClassNames)
	fmt.Println(d.Train.Len(), d.Valid.Len(), d.Test.Len(), "rows of", d.Features)
	for _, c := range d.Columns[:2] {
		fmt.Println(c.Name, c.Kind, c.Distinct, "values,", c.Missing, "missing")
	}
	// Output:
	// classification [<=50K >50K]
	// 9769 3256 3256 rows of 105
	// age numeric 73 values, 0 missing
	// workclass categorical 8 values, 963 missing
}

func ExampleLoad_misspelt() {
	_, err := data.Load(context.Background(), data.Source{CSV: "../examples/adult/adult.csv.gz", Target: "incom"})
	fmt.Println(err)
	// Output:
	// read ../examples/adult/adult.csv.gz: there is no column "incom"; did you mean "income"?; the columns are age, workclass, fnlwgt, education, education-num, marital-status, occupation, relationship, race, sex, capital-gain, capital-loss, … and 3 more, the last one income
}

func ExampleCache() {
	var cache data.Cache
	digits := data.Source{CSV: "../examples/digits/digits.csv.gz", Target: "digit", Image: []int{8, 8, 1}}
	a, err := cache.Load(context.Background(), digits)
	if err != nil {
		fmt.Println(err)
		return
	}
	b, _ := cache.Load(context.Background(), digits)
	fmt.Println(a.Train.Shape, a == b)
	// Output:
	// 8×8×1 true
}

func ExampleOrder() {
	fmt.Println(data.Order(7, 0, 5), data.Order(7, 1, 5), data.Order(7, 0, 5))
	// Output:
	// [2 4 3 0 1] [1 4 0 2 3] [2 4 3 0 1]
}

func ExampleAUC() {
	scores := []float32{0.9, 0.8, 0.3, 0.2}
	class := []int32{1, 0, 1, 0}
	fmt.Println(data.AUC(scores, class))
	// Output:
	// 0.75
}
