package data

import "testing"

// From the packed file to encoded sets; bytes are those of the unpacked text.
func BenchmarkLoad(b *testing.B) {
	for _, c := range []struct {
		name   string
		source Source
		bytes  int64
	}{
		{"digits", Source{CSV: "../examples/digits/digits.csv.gz", Target: "digit"}, 828603},
		{"adult", Source{CSV: "../examples/adult/adult.csv.gz", Target: "income"}, 1756869},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(c.bytes)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Load(b.Context(), c.source); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
