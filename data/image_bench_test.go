package data

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// BenchmarkFolder decodes 50,000 PNG files of 32×32 pixels in colours, and opens the
// file that they become. It prints the processor time and what the process holds.
func BenchmarkFolder(b *testing.B) {
	const images = 50_000
	dir := b.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	fast := png.Encoder{CompressionLevel: png.BestSpeed}
	m := painted(32, 32, func(int, int) (c color.NRGBA) { return c })
	for i := range images {
		class := filepath.Join(dir, fmt.Sprint(i%10))
		if i < 10 {
			if err := os.Mkdir(class, 0o755); err != nil {
				b.Fatal(err)
			}
		}
		for k := range m.Pix {
			m.Pix[k] = byte(k) + byte(r.IntN(32))
			if k%4 == 3 {
				m.Pix[k] = 255
			}
		}
		var out bytes.Buffer
		if err := fast.Encode(&out, m); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(class, fmt.Sprintf("%05d.png", i)), out.Bytes(), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	shared := &Shared{Dir: filepath.Join(b.TempDir(), "decoded")}
	s := Source{Folder: dir}
	var stop atomic.Bool
	var peak atomic.Uint64
	go func() {
		for !stop.Load() {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapAlloc))
			time.Sleep(20 * time.Millisecond)
		}
	}()
	debug.FreeOSMemory()
	var m0 runtime.MemStats
	runtime.ReadMemStats(&m0)
	cpu := func() float64 {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
	}
	for b.Loop() {
		if err := os.RemoveAll(shared.Dir); err != nil {
			b.Fatal(err)
		}
		peak.Store(0)
		start := cpu()
		packed, done, err := shared.Packed(b.Context(), s)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(cpu()-start, "cpu-s/decode")
		b.ReportMetric(float64(peak.Load())/(1<<20), "MiB-peak/decode")
		start = cpu()
		d, err := Load(b.Context(), packed)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(cpu()-start, "cpu-s/open")
		runtime.GC()
		var m1 runtime.MemStats
		runtime.ReadMemStats(&m1)
		b.ReportMetric(float64(m1.HeapAlloc-m0.HeapAlloc)/(1<<20), "MiB-held")
		if st, err := os.Stat(packed.Folder); err == nil {
			b.ReportMetric(float64(st.Size())/(1<<20), "MiB-file")
		}
		start = cpu()
		x := make([]float32, d.Features)
		for i := range d.Train.Len() {
			d.Train.Read(x, i)
		}
		b.ReportMetric(cpu()-start, "cpu-s/epoch-read")
		done()
	}
	stop.Store(true)
}
