package mesh

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"budwood/engine/kernel"
)

// BenchmarkSumOfTwoGradients adds the gradients of two lanes in shared memory, in
// turn with copying as many bytes on one thread and on two. Times are the fastest
// decile; CPU is the median of the lane that needs more, its spinning included.
func BenchmarkSumOfTwoGradients(b *testing.B) {
	for _, mib := range []int{1, 10} {
		b.Run(fmt.Sprintf("%dMiB", mib), func(b *testing.B) {
			length := mib << 18
			lanes := Local(2)
			var groups [2]*Group
			var x [2][][]float32
			for i, l := range lanes {
				g, err := NewGroup(l, Members{Ranks: upTo(2), Name: "bench", Add: kernel.Add})
				if err != nil {
					b.Fatal(err)
				}
				groups[i], x[i] = g, [][]float32{make([]float32, length)}
			}
			y := make([]float32, length)
			rounds := max(b.N, 1000/mib)
			var times, cpus [3][]float64 // of all; of the lane that needs more
			run := func(k int, f func(i int)) {
				var wg sync.WaitGroup
				var took, cpu [2]float64
				for i := range 2 {
					wg.Go(func() {
						runtime.LockOSThread()
						defer runtime.UnlockOSThread()
						groups[i].Barrier()
						start, before := time.Now(), cpuTime(ofThread)
						f(i)
						cpu[i] = cpuTime(ofThread) - before
						groups[i].Barrier()
						took[i] = time.Since(start).Seconds()
					})
				}
				wg.Wait()
				times[k], cpus[k] = append(times[k], took[0]), append(cpus[k], max(cpu[0], cpu[1]))
			}
			for range rounds {
				run(0, func(i int) {
					if err := groups[i].ReduceScatter(x[i]); err != nil {
						b.Error(err)
					}
				})
				run(1, func(i int) {
					if i == 0 {
						copy(y, x[0][0])
					}
				})
				run(2, func(i int) {
					from, to := Cut(length, 2, i)
					copy(y[from:to], x[0][0][from:to])
				})
			}
			for k, unit := range []string{"sum", "memcpy", "memcpy-on-2"} {
				slices.Sort(times[k])
				slices.Sort(cpus[k])
				b.ReportMetric(times[k][rounds/10]*1e6, unit+"-µs")
				b.ReportMetric(cpus[k][rounds/2]*1e6, unit+"-cpu-µs")
			}
			b.ReportMetric(times[1][rounds/10]/times[0][rounds/10], "×memcpy")
			b.ReportMetric(cpus[1][rounds/2]/cpus[0][rounds/2], "×memcpy-by-cpu")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkAllReduceOfTwoProcesses is AllReduce of two processes, in turn with a bare
// exchange of the same bytes over a connection of the same kind: the half that is the
// other's goes out while the own one comes into other memory, then the own half goes
// out while the other's comes to its place, each in one write and one read. Metrics are a rank's: CPU as the median over rounds of both
// ranks' mean, wall time as the fastest decile, and the median of the CPU ratios.
func BenchmarkAllReduceOfTwoProcesses(b *testing.B) {
	for _, kind := range []string{"unix", "tcp", "tls"} {
		for _, mb := range []int{1, 10, 100} {
			b.Run(fmt.Sprintf("%s/%dMB", kind, mb), func(b *testing.B) {
				rounds := max(b.N, map[int]int{1: 100, 10: 30, 100: 8}[mb])
				r := twoProcesses(b, kind, mb, rounds)
				slices.Sort(r.wall)
				slices.Sort(r.bareWall)
				ratios := make([]float64, rounds)
				for i := range ratios {
					ratios[i] = r.cpu[i] / r.bareCPU[i]
				}
				b.ReportMetric(median(r.cpu)*1e3, "cpu-ms")
				b.ReportMetric(median(r.bareCPU)*1e3, "bare-cpu-ms")
				b.ReportMetric(median(ratios), "cpu/bare")
				b.ReportMetric(slices.Min(r.cpu)/slices.Min(r.bareCPU), "least-cpu/bare")
				b.ReportMetric(r.wall[rounds/10]*1e3, "wall-ms")
				b.ReportMetric(r.bareWall[rounds/10]*1e3, "bare-wall-ms")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func median(x []float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	return x[len(x)/2]
}

type measured struct{ cpu, wall, bareCPU, bareWall []float64 } // seconds, by round

// twoProcesses starts this program again as rank 1 and measures as rank 0.
func twoProcesses(b *testing.B, kind string, mb, rounds int) (r measured) {
	key, err := NewKey()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestRankOne$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("MESH_RANK_ONE=%s %d %d %s %s", kind, mb, rounds, key.Fingerprint(), b.TempDir()))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer cmd.Wait()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	var address, bareAddress, fingerprint string
	fmt.Sscan(line, &address, &bareAddress, &fingerprint)
	peers := []Peer{{Machine: "m", Fingerprint: key.Fingerprint()}, {Machine: "m", Fingerprint: fingerprint}}
	network := "tcp"
	if kind == "unix" {
		network, peers[1].Unix = "unix", address
	} else {
		peers[1].TCP = address
	}
	cfg := Config{Peers: peers}
	bare, err := net.Dial(network, bareAddress)
	if err != nil {
		b.Fatal(err)
	}
	if kind == "tls" {
		cfg.Key = key
		bare = tls.Client(bare, key.config(func(f string) bool { return f == fingerprint }))
	}
	r, err = measure(cfg, bare, mb, rounds)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// TestRankOne is the other process of the benchmark.
func TestRankOne(t *testing.T) {
	words := os.Getenv("MESH_RANK_ONE")
	if words == "" {
		t.Skip("it is started by BenchmarkAllReduceOfTwoProcesses")
	}
	var kind, parent, dir string
	var mb, rounds int
	fmt.Sscan(words, &kind, &mb, &rounds, &parent, &dir)
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	network, addresses := "tcp", []string{"127.0.0.1:0", "127.0.0.1:0"}
	if kind == "unix" {
		network, addresses = "unix", []string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}
	}
	var ls [2]net.Listener
	for i := range ls {
		if ls[i], err = net.Listen(network, addresses[i]); err != nil {
			t.Fatal(err)
		}
	}
	cfg := Config{Rank: 1, Peers: []Peer{{Machine: "m", Fingerprint: parent}, {Machine: "m", Fingerprint: key.Fingerprint()}}, Listeners: ls[:1]}
	fmt.Println(ls[0].Addr(), ls[1].Addr(), key.Fingerprint())
	bare, err := ls[1].Accept()
	if err != nil {
		t.Fatal(err)
	}
	if kind == "tls" {
		cfg.Key = key
		bare = tls.Server(bare, key.config(func(f string) bool { return f == parent }))
	}
	if _, err := measure(cfg, bare, mb, rounds); err != nil {
		t.Fatal(err)
	}
}

// measure runs rounds of both at one rank. CPU is the mean of the ranks'.
func measure(cfg Config, bare net.Conn, mb, rounds int) (r measured, err error) {
	n, err := Join(context.Background(), cfg)
	if err != nil {
		return r, err
	}
	defer n.Close(nil)
	g, err := NewGroup(n, Members{Ranks: upTo(2), Name: "bench", Add: kernel.Add})
	if err != nil {
		return r, err
	}
	x := [][]float32{make([]float32, mb*1e6/4)}
	half := len(Bytes(x[0])) / 2
	ours, theirs := Bytes(x[0])[:half], Bytes(x[0])[half:]
	sum := [][]float64{make([]float64, 1)}
	window := max(1, 10/mb)
	timed := func(f func() error) (cpu, wall float64, err error) {
		if err := g.Barrier(); err != nil {
			return 0, 0, err
		}
		before, start := cpuTime(ofProcess), time.Now()
		for range window {
			if err := f(); err != nil {
				return 0, 0, err
			}
		}
		wall = time.Since(start).Seconds() / float64(window)
		sum[0][0] = (cpuTime(ofProcess) - before) / float64(window)
		err = g.Sum64(sum)
		return sum[0][0] / 2, wall, err
	}
	wrote := make(chan error)
	scratch := make([]byte, half)
	swap := func(send, get []byte) error {
		go func() { _, err := bare.Write(send); wrote <- err }()
		_, err := io.ReadFull(bare, get)
		return errors.Join(err, <-wrote)
	}
	exchange := func() error { // what all-reduce sends and gets, and where
		if err := swap(theirs, scratch); err != nil {
			return err
		}
		return swap(ours, theirs)
	}
	for i := range rounds + 1 {
		cpu, wall, err := timed(func() error { return g.AllReduce(x) })
		if err != nil {
			return r, err
		}
		bareCPU, bareWall, err := timed(exchange)
		if err != nil {
			return r, err
		}
		if i > 0 { // the first is to warm up
			r.cpu, r.wall = append(r.cpu, cpu), append(r.wall, wall)
			r.bareCPU, r.bareWall = append(r.bareCPU, bareCPU), append(r.bareWall, bareWall)
		}
	}
	return r, nil
}

// The clocks of clock_gettime(2) that count CPU time.
const (
	ofProcess = 2
	ofThread  = 3
)

// cpuTime is what this process or thread has used, in seconds.
func cpuTime(of uintptr) float64 {
	var t syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, of, uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		return 0
	}
	return float64(t.Nano()) / 1e9
}

// The benchmark's two processes do run.
func TestTwoProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("starts six processes")
	}
	for _, kind := range []string{"unix", "tcp", "tls"} {
		var out bytes.Buffer
		cmd := exec.Command(os.Args[0], "-test.run", "^$", "-test.bench", "BenchmarkAllReduceOfTwoProcesses/"+kind+"/1MB", "-test.benchtime", "1x")
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil || !strings.Contains(out.String(), "cpu/bare") {
			t.Errorf("%s: %v\n%s", kind, err, out.String())
		}
	}
}
