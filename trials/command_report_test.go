package trials

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"budwood/search"
)

// scanAll scans a text in pieces of the lengths that size tells.
func scanAll(bare bool, text string, size func() int) []commandReport {
	s := reportScanner{where: "the test", bare: bare}
	var out []commandReport
	report := func(r commandReport) { out = append(out, r) }
	for b := []byte(text); len(b) > 0; {
		n := min(max(size(), 1), len(b))
		s.scan(bytes.Clone(b[:n]), report)
		b = b[n:]
	}
	s.end(report)
	return out
}

func reportTexts(list []commandReport) string {
	var b strings.Builder
	for _, s := range list {
		fmt.Fprintf(&b, "%d %v %v %v %q %q %v %v\n", s.epoch, s.metrics, s.other, s.checkpoint, s.infeasible, s.diverged, s.broken, s.cut)
	}
	return b.String()
}

func whole() int { return 1 << 30 }

// Reports are found in output that is not lines.
func TestReportsAreFound(t *testing.T) {
	half := search.Metrics{"loss": .5}
	bar := strings.Repeat("\r 12%|###      | 1500/12000", 60_000)
	for text, want := range map[string]search.Metrics{
		`budwood: {"loss": 0.5}`: half,
		`budwood:{"loss": 0.5}`:  half,
		"12:00:01 INFO train: epoch done. budwood: {\"loss\": 0.5}\n":          half,
		bar + `budwood: {"loss": 0.5}` + bar:                                   half,
		"budwood: {\"loss\": 0.5}worker 1: batch {} done\r\n":                  half,
		"\x1b[2K\rbudwood: {\"loss\": 0.5}\r\x1b[2K":                           half,
		"|\b/\b-\bbudwood: {\"loss\": 0.5}\b\b":                                half,
		"\x1b[32mbudwood:\x1b[0m \x1b[1m{\x1b[0m\"loss\": \x1b[36m.5\x1b[m}":   half,
		"\x1b[1;31m\x1b[Kbudwood:\x1b[m\x1b[K {\"loss\": 0.5}":                 half, // grep --color
		"budwood:\x1b(B\x1b[m{\"loss\": \x1b[1m0.5\x1b(B\x1b[m}":               half, // tput sgr0
		"\x1b]8;;file:a\x1b\\budwood:\x1b]8;;\x1b\\ {\"loss\": \x1b]8;;x\a.5}": half, // a link
		`budwood: {"a": 2.5D-01, "b": 1.0f-2, "c": NaN32, "d": -Inf16}`:        {"a": .25, "b": .01, "c": math.NaN(), "d": math.Inf(-1)},
		"\xff\xfe\x00\x1b]budwood: {\"loss\": 0.5, \"note\": \"\xff\"}\x00":    half,
		"budwood: {\"loss\": 0.5}\r\n":                                         half,
		`[tune-metric]: {"loss": 0.5, "st_worker_iter": 3}`:                    half,
		"{\"x\": 1} budwood budwood: \nbudwood: {\"loss\": 0.5}":               half,
		`budwood: {"loss": "0.5", "note": "as }text{ \" \\"}`:                  half,
		`budwood: {"valid": {"loss": 0.5, "top": {"5": 1}}, "a/b": 2}`:         {"valid/loss": .5, "valid/top/5": 1, "a/b": 2},
		`budwood: {"a": .5, "b": +1, "c": 5., "d": -.25E-1, "e": 1e999}`:       {"a": .5, "b": 1, "c": 5, "d": -.025, "e": math.Inf(1)},
		`budwood: {"a": nan, "b": -nan(0x7ff8), "c": NA, "d": 1.#QNAN}`:        {"a": math.NaN(), "b": math.NaN(), "c": math.NaN(), "d": math.NaN()},
		`budwood: {"a": inf, "b": -Inf, "c": +Infinity, "d": -1.#inf}`:         {"a": math.Inf(1), "b": math.Inf(-1), "c": math.Inf(1), "d": math.Inf(-1)},
		`budwood: {"a": "nan", "b": "-inf", "nan": 1, "c": [nan, 2]}`:          {"a": math.NaN(), "b": math.Inf(-1), "nan": 1},
		"budwood: {\"loss\": 0.5, \"a\tb\": \"\x00\"}":                         half,
		`budwood: {"a": NaN, "checkpoint": True, "note": None}`:                {"a": math.NaN()},
	} {
		out := scanAll(false, text, whole)
		if len(out) != 1 || out[0].broken != nil || !maps.EqualFunc(out[0].metrics, want, func(a, b float64) bool { return a == b || a != a && b != b }) {
			t.Errorf("%.80q: %v, want %v", text, out, want)
		}
	}
	out := scanAll(false, `budwood: {"epoch": 1, "loss": 2} budwood: {"epoch": "2", "loss": 1, "checkpoint": true}`, whole)
	if len(out) != 2 || out[0].epoch != 1 || out[1].epoch != 2 || !out[1].checkpoint {
		t.Errorf("two in one line: %+v", out)
	}
	out = scanAll(true, "\n {\"epoch\": 1, \"loss\": 2}{\"epoch\": 2, \"loss\": 1}\r\nbudwood: {\"epoch\": 3, \"loss\": 1} # \n\n", whole)
	if len(out) != 3 || out[2].epoch != 3 || out[2].broken != nil {
		t.Errorf("descriptor 3: %+v", out)
	}
	if out := scanAll(false, `no mark {"loss": 1} xbudwood {"loss": 2} budwood: [1]`, whole); len(out) != 0 {
		t.Errorf("no report is %v", out)
	}
}

// What cannot be read is told with its place.
func TestReportsThatCannotBeRead(t *testing.T) {
	for text, want := range map[string]string{
		"a\nb\nbudwood: {\"epoch\": 2, \"lo worker: done\n": `line 3 of the test: the report "{\"epoch\": 2, \"lo worker: done" does not end on its line`,
		`budwood: {"epoch": 2, loss: 0.5}`:                  `line 1 of the test: the report "{\"epoch\": 2, loss: 0.5}" is not a JSON object: invalid character 'l'`,
		`budwood: {"epoch": 0, "loss": 0.5}`:                "epoch 0 is not a number of epochs done, from 1",
		`budwood: {"epoch": nan, "loss": 0.5}`:              `epoch "NaN" is not a number of epochs done`,
		`budwood: {"epoch": 2.5, "loss": 0.5}`:              "epoch 2.5 is not a number of epochs done",
		`budwood: {"a/b": 1, "a": {"b": 2}}`:                `"a/b" stands twice`,
		`budwood: {"epoch": 1, "loss"`:                      "does not end",
		`budwood: {"a": "` + strings.Repeat("x", 1<<20):     "is longer than 64 KiB",
	} {
		out := scanAll(false, text, whole)
		if len(out) != 1 || out[0].broken == nil || !strings.Contains(out[0].broken.Error(), want) {
			t.Errorf("%.80q: %+v, want %q", text, out, want)
		}
	}
	out := scanAll(true, "{\"loss\": 1}\nloss 0.3\n{\"loss\": 2}\n", whole)
	if len(out) != 3 || out[1].broken == nil || out[1].broken.Error() != `line 2 of the test: "loss 0.3" is not a JSON object` || out[2].broken != nil {
		t.Errorf("descriptor 3: %+v", out)
	}
}

// However output comes in pieces, and whatever another process writes between
// reports, the same reports come out. Noise that holds no mark takes none away.
func FuzzReports(f *testing.F) {
	f.Add([]byte("budwood: {\"epoch\": 1, \"loss\": nan}\r 3%|#"), []byte("worker {1}: done\r\n"), uint64(1), false)
	f.Add([]byte("\x1b[32m[tune-metric]: {\"a\": {\"b\": \"1\"}} {\"c\": \"\\\"}\"}\n"), []byte("\b\b\xff{\"\\"), uint64(2), true)
	f.Add([]byte("budwood: {budwood: {\n{\"a\": 1}x{\"b\": 2}"), []byte("\x1b[budwood:"), uint64(3), false)
	f.Fuzz(func(t *testing.T, text, noise []byte, seed uint64, bare bool) {
		rng := rand.New(rand.NewPCG(seed, 0))
		want := scanAll(bare, string(text), whole)
		for most := range 3 {
			got := scanAll(bare, string(text), func() int { return 1 + rng.IntN(1+most*30) })
			if reportTexts(got) != reportTexts(want) {
				t.Fatalf("%q in pieces: %s, whole %s", text, reportTexts(got), reportTexts(want))
			}
		}
		for _, s := range want {
			if s.broken == nil && (s.epoch < 0 || s.metrics == nil) {
				t.Fatalf("%q: %+v", text, s)
			}
		}
		if bare || len(noise) > 1<<10 {
			return
		}
		var b bytes.Buffer // between whole reports of one process stands what another writes
		for e := range 20 {
			b.Write(noise[:rng.IntN(len(noise)+1)])
			fmt.Fprintf(&b, "budwood: {\"epoch\": %d, \"loss\": %d.5}", e+1, e)
			b.Write(noise[rng.IntN(len(noise)+1):])
			b.WriteString("\n"[:rng.IntN(2)])
		}
		if bytes.Count(b.Bytes(), []byte("budwood:")) != 20 || bytes.Contains(b.Bytes(), []byte("[tune-metric]:")) {
			return
		}
		got := scanAll(false, b.String(), func() int { return 1 + rng.IntN(100) })
		if len(got) != 20 {
			t.Fatalf("%d of 20 reports in %q", len(got), b.Bytes())
		}
		for e, s := range got {
			if s.broken != nil || s.epoch != e+1 || s.metrics["loss"] != float64(e)+.5 {
				t.Fatalf("report %d: %+v in %q", e+1, s, b.Bytes())
			}
		}
	})
}

// A gigabyte without an end of line costs neither memory nor the report in it.
func TestReportsInMuchOutput(t *testing.T) {
	s := reportScanner{where: "the test"}
	k := &excerpt{first: 1 << 10, last: 2 << 10}
	var out []commandReport
	piece := bytes.Repeat([]byte("{\x1b[K\b\b#"), 16<<10)
	for i := range 256 {
		s.scan(piece, func(r commandReport) { out = append(out, r) })
		_, _ = k.Write(piece)
		if i == 128 {
			s.scan([]byte(`budwood: {"loss": 1}`), func(r commandReport) { out = append(out, r) })
		}
	}
	if len(out) != 1 || out[0].metrics["loss"] != 1 {
		t.Errorf("%+v", out)
	}
	if n := cap(s.before) + cap(s.object) + cap(k.head) + cap(k.tail); n > 64<<10 {
		t.Errorf("%d bytes are remembered", n)
	}
	if b := k.Bytes(); len(b) > 4<<10 || !strings.Contains(string(b), "… budwood left out 28 MiB of output here …") {
		t.Errorf("%d bytes kept: %q", len(b), b[1000:1200])
	}
}

func TestKept(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 0))
	for range 200 {
		k := &excerpt{first: rng.IntN(50), last: 1 + rng.IntN(50)}
		var all []byte
		for range rng.IntN(20) {
			p := make([]byte, rng.IntN(80))
			for i := range p {
				p[i] = byte('a' + rng.IntN(26))
			}
			all = append(all, p...)
			_, _ = k.Write(p)
		}
		got := string(k.Bytes())
		want := string(all)
		if over := len(all) - k.first - k.last; over > 0 {
			want = fmt.Sprintf("%s\n… budwood left out %s of output here …\n%s", all[:k.first], BytesText(int64(over)), all[len(all)-k.last:])
		}
		if got != want {
			t.Fatalf("first %d, last %d: %q, want %q", k.first, k.last, got, want)
		}
	}
}

func TestReason(t *testing.T) {
	long := Reason("it failed" + strings.Repeat("\xff.", 1<<20) + "out of memory")
	if len(long) > maxReason || !strings.HasPrefix(long, "it failed") || !strings.HasSuffix(long, "out of memory") || !strings.Contains(long, "left out") {
		t.Errorf("%d bytes: %.100q", len(long), long)
	}
	if short := Reason("exit status 1"); short != "exit status 1" {
		t.Errorf("%q", short)
	}
}

func BenchmarkReports(b *testing.B) {
	for name, piece := range map[string]string{
		"braces": strings.Repeat("{", 64<<10),
		"bar":    strings.Repeat("\r 12%|###      | 1500/12000 [00:10<00:00]", 1600),
		"marks":  strings.Repeat(`budwood: {"epoch": 1, "loss": 0.5}`+"\n", 1800),
	} {
		b.Run(name, func(b *testing.B) {
			s := reportScanner{where: "the test"}
			p := []byte(piece)
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				s.scan(p, func(commandReport) {})
			}
		})
	}
}
