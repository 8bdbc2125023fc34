package store

import (
	"sync"
	"sync/atomic"
	"testing"

	"budwood/search"
)

// Durable reports a second, of nine epochs with two metrics each, by the number
// of goroutines that wait for one at the same time.
func BenchmarkRecord(b *testing.B) {
	for _, parallel := range []int{1, 8, 64} {
		b.Run("parallel="+string(rune('0'+parallel/10))+string(rune('0'+parallel%10)), func(b *testing.B) {
			s := tempStore(b)
			begin(b, s, "digits", 0)
			add(b, s, "digits", 0, b.N)
			b.ResetTimer()
			var next atomic.Int64
			var all sync.WaitGroup
			for range parallel {
				all.Go(func() {
					for i := int(next.Add(1)) - 1; i < b.N; i = int(next.Add(1)) - 1 {
						if _, err := s.Record(b.Context(), report("digits", i, 0, 9, 0.5)); err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// large is a store of 100 studies with 1,000 trials each.
func large(b *testing.B) *Store {
	s := tempStore(b)
	for k := range 100 {
		name := "study" + string(rune('0'+k/10)) + string(rune('0'+k%10))
		begin(b, s, name, 1000)
		var all sync.WaitGroup
		for w := range 64 {
			all.Go(func() {
				for i := w; i < 1000; i += 64 {
					r := report(name, i, 0, 1, float64(i)/1000)
					if i%3 > 0 {
						r.State = search.Completed
					}
					if _, err := s.Record(b.Context(), r); err != nil {
						b.Error(err)
					}
				}
			})
		}
		all.Wait()
	}
	return s
}

func BenchmarkStudies100000(b *testing.B) {
	s := large(b)
	for b.Loop() {
		if _, err := s.Studies(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// All records of a study with 10,000 trials: read for the first time, and after
// one of them changed.
func BenchmarkRecords10000(b *testing.B) {
	s := tempStore(b)
	begin(b, s, "digits", 10000)
	var all sync.WaitGroup
	for w := range 64 {
		all.Go(func() {
			for i := w; i < 10000; i += 64 {
				if _, err := s.Record(b.Context(), report("digits", i, 0, 1, 0.5)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	read := func(b *testing.B) {
		if r, err := s.Records(b.Context(), "digits"); err != nil || len(r) != 10000 {
			b.Fatal(len(r), err)
		}
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			s.cache.studies = nil
			read(b)
		}
	})
	b.Run("after one change", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			record(b, s, report("digits", i%10000, 1, i+2, 0.6))
			b.StartTimer()
			read(b)
		}
	})
}
