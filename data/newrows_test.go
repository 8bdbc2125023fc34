package data

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// zoo is a table with numbers, categories, missing values and a group; order
// says which columns it has.
func zoo(order ...string) string {
	var b strings.Builder
	fmt.Fprintln(&b, strings.Join(order, ","))
	for i := range 90 {
		row := map[string]string{
			"id": fmt.Sprint(i), "weight": fmt.Sprintf("%.3f", float64(i*i%37)/3), "colour": []string{"red", "gr\xfcn", "blue"}[i*7%3],
			"legs": fmt.Sprint(i % 5), "keeper": fmt.Sprint(i / 3), "kind": []string{"cat", "dog"}[i%2],
		}
		if i%11 == 3 {
			row["weight"] = ""
		}
		if i%13 == 5 {
			row["colour"] = "?"
		}
		for j, name := range order {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(row[name])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Rows of another file are encoded like those of the data set's own parts.
func TestLoadWith(t *testing.T) {
	known := write(t, "known.csv", zoo("id", "weight", "colour", "legs", "keeper", "kind"))
	fresh := write(t, "fresh.csv", zoo("legs", "colour", "unused", "weight"))
	for name, encode := range map[string]*TargetEncode{"columns": nil, "target encoding": {}} {
		s := Source{CSV: known, Target: "kind", Ignore: []string{"id"}, TargetEncode: encode, Split: Split{Valid: .2, Test: .2, Seed: 1, Group: "keeper"}}
		d, rows, err := LoadWith(t.Context(), s, fresh)
		if err != nil {
			t.Fatal(name, err)
		}
		if rows.Len() != 90 || rows.Classes != 0 || d.Dropped != 0 {
			t.Fatalf("%s: %d rows, %d classes, %d dropped", name, rows.Len(), rows.Classes, d.Dropped)
		}
		plain := load(t, s)
		w := d.Features
		seen := map[string]bool{}
		for i := range rows.Len() {
			seen[fmt.Sprint(rows.X[i*w:(i+1)*w])] = true
		}
		for part, sets := range map[string][2]*Set{"train": {d.Train, plain.Train}, "valid": {d.Valid, plain.Valid}, "test": {d.Test, plain.Test}} {
			if !slices.Equal(sets[0].X, sets[1].X) || !slices.Equal(sets[0].Class, sets[1].Class) {
				t.Errorf("%s: the new rows changed the part %s", name, part)
			}
			if part == "train" && encode != nil {
				continue // training rows do not see their own target
			}
			for i := range sets[0].Len() {
				if !seen[fmt.Sprint(sets[0].X[i*w:(i+1)*w])] {
					t.Fatalf("%s: row %d of %s is not encoded alike", name, i, part)
				}
			}
		}
	}
}

func TestLoadWithMistakes(t *testing.T) {
	s := Source{CSV: write(t, "known.csv", zoo("weight", "colour", "legs", "kind")), Target: "kind"}
	for text, want := range map[string]string{
		"weight,legs\n1,2\n":                       `there is no column "colour"`,
		"weight,colour,legs\n1,red,2\nheavy,red,2": `line 3: column "weight": "heavy" is not a number`,
		"weight,colour,legs\n":                     "there are no rows",
	} {
		_, _, err := LoadWith(t.Context(), s, write(t, "fresh.csv", text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	// What was never seen, and what is missing everywhere, are no mistakes.
	_, rows, err := LoadWith(t.Context(), s, write(t, "fresh.csv", "weight,colour,legs\n?,7,2\nNA,pink,\n"))
	if err != nil || rows.Len() != 2 {
		t.Error(rows, err)
	}
}
