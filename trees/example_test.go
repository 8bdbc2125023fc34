package trees_test

import (
	"fmt"
	"math"

	"budwood/trees"
)

// A table of a number and a category, learned by boosted trees; what each column adds to the prediction of a row.
func ExampleFit() {
	t := &trees.Table{Columns: []trees.Column{{Name: "age"}, {Name: "town", Levels: 2}}}
	var y trees.Target
	for age := range 100 {
		town := age % 2
		t.X = append(t.X, float32(age), float32(town))
		price := 10 * town
		if age >= 50 {
			price += 100
		}
		y.Value = append(y.Value, float32(price))
	}
	m, err := trees.Fit(trees.Config{Rate: .3}, t, y, nil, trees.Target{}, 50, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	row := []float32{70, 1}
	price, _ := m.Predict(row)
	shares, _ := m.SHAP(row)
	fmt.Printf("price %.0f = %.0f by age, %.0f by town, %.0f on average\n", price[0], shares[0], shares[1], shares[2])
	missing, _ := m.Predict([]float32{70, float32(math.NaN())})
	fmt.Println("without a town it is a number, too:", missing[0] > 90)
	// Output:
	// price 110 = 50 by age, 5 by town, 55 on average
	// without a town it is a number, too: true
}
