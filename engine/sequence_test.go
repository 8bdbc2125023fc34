package engine

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/optim"
)

// run compiles a layer and runs it forward on rows of random values.
func run(t tester, l Layer, in data.Shape, rows int, r *rand.Rand) (p *probe, y []float32) {
	p = newProbe(t, l, in, rows, r)
	p.loss()
	return p, p.net.y.Data.Floats[:rows*p.net.out.Size()]
}

// tensor64 is a parameter of a probe as a function of row and column.
func tensor64(p *probe, name string) func(i, j int) float64 {
	for _, q := range p.net.plan.Params {
		if q.Name == name {
			cols := q.Shape[len(q.Shape)-1]
			return func(i, j int) float64 { return float64(q.W[i*cols+j]) }
		}
	}
	panic("no tensor " + name)
}

// Attention is what Vaswani et al. write, computed in float64.
func TestAttentionFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		heads, size, steps := upTo(t, 3), upTo(t, 5), upTo(t, 8)
		causal, d := flip(t), heads*size
		r := rand.New(rand.NewPCG(11, rapid.Uint64().Draw(t, "seed")))
		p, y := run(t, Attention{Heads: heads, Causal: causal}, data.Shape{steps, d}, 2, r)
		w, bias := tensor64(p, "qkv.weight"), tensor64(p, "qkv.bias")
		out, outBias := tensor64(p, "out.weight"), tensor64(p, "out.bias")
		linear := func(row, step, j int) float64 {
			s := bias(0, j)
			for i := range d {
				s += float64(p.x[(row*steps+step)*d+i]) * w(i, j)
			}
			return s
		}
		for row := range 2 {
			for a := range steps {
				mixed := make([]float64, d)
				for h := range heads {
					var total float64
					weights := make([]float64, steps)
					for b := range steps {
						if causal && b > a {
							continue
						}
						var dot float64
						for i := range size {
							dot += linear(row, a, h*size+i) * linear(row, b, d+h*size+i)
						}
						weights[b] = math.Exp(dot / math.Sqrt(float64(size)))
						total += weights[b]
					}
					for b := range steps {
						for i := range size {
							mixed[h*size+i] += weights[b] / total * linear(row, b, 2*d+h*size+i)
						}
					}
				}
				for j := range d {
					want := outBias(0, j)
					for i := range d {
						want += mixed[i] * out(i, j)
					}
					if got := float64(y[(row*steps+a)*d+j]); !(math.Abs(got-want) < 1e-4*(1+math.Abs(want))) {
						t.Fatalf("row %d, step %d, feature %d: %g, want %g", row, a, j, got, want)
					}
				}
			}
		}
	})
}

// The unit is PyTorch's, computed in float64.
func TestGRUFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, h, steps := upTo(t, 5), upTo(t, 20), upTo(t, 6)
		r := rand.New(rand.NewPCG(12, rapid.Uint64().Draw(t, "seed")))
		p, y := run(t, GRU{Out: h}, data.Shape{steps, in}, 2, r)
		w, b, u, c := tensor64(p, "input.weight"), tensor64(p, "input.bias"), tensor64(p, "hidden.weight"), tensor64(p, "hidden.bias")
		sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
		for row := range 2 {
			state := make([]float64, h)
			for step := range steps {
				next := make([]float64, h)
				for j := range h {
					var x, s [3]float64 // shares of input and state in r, z and n
					for g := range 3 {
						x[g], s[g] = b(0, g*h+j), c(0, g*h+j)
						for i := range in {
							x[g] += float64(p.x[(row*steps+step)*in+i]) * w(i, g*h+j)
						}
						for i := range h {
							s[g] += state[i] * u(i, g*h+j)
						}
					}
					z := sigmoid(x[1] + s[1])
					n := math.Tanh(x[2] + sigmoid(x[0]+s[0])*s[2])
					next[j] = (1-z)*n + z*state[j]
				}
				state = next
				for j, want := range state {
					if got := float64(y[(row*steps+step)*h+j]); !(math.Abs(got-want) < 1e-5) {
						t.Fatalf("row %d, step %d, feature %d: %g, want %g", row, step, j, got, want)
					}
				}
			}
		}
	})
}

// What comes later in a sequence does not reach the steps before it, and what
// comes earlier does.
func TestCausal(t *testing.T) {
	const steps, features = 9, 4
	for _, l := range []Layer{
		Attention{Heads: 2, Causal: true},
		Transformer{Heads: 2, Causal: true},
		Transformer{Causal: true, PostNorm: true},
		Conv1D{Out: 5, Causal: true, Dilation: 2},
		Seq{Conv1D{Out: 5, Causal: true}, ReLU{}, Conv1D{Out: 5, Causal: true, Dilation: 2}},
		GRU{Out: 5},
	} {
		r := rand.New(rand.NewPCG(13, 13))
		p, y := run(t, l, data.Shape{steps, features}, 1, r)
		before := slices.Clone(y)
		const changed = 4
		for i := range features {
			p.x[changed*features+i] += float32(i + 1)
		}
		p.loss()
		w := len(y) / steps
		if !slices.Equal(before[:changed*w], y[:changed*w]) {
			t.Errorf("%v: step %d reaches earlier ones", l, changed)
		}
		if slices.Equal(before[changed*w:(changed+1)*w], y[changed*w:(changed+1)*w]) {
			t.Errorf("%v: step %d does not reach itself", l, changed)
		}
		if slices.Equal(before[(changed+2)*w:(changed+3)*w], y[(changed+2)*w:(changed+3)*w]) {
			t.Errorf("%v: step %d does not reach step %d", l, changed, changed+2)
		}
	}
}

// letters is a text of a few tokens in rows of steps, with the next token as the
// class of each step.
func letters(steps, rows int) *data.Set {
	text := []float32{0, 1, 2, 3, 1, 4, 2, 0, 3, 4, 4, 1}
	s := &data.Set{Shape: data.Shape{steps}, Classes: 5}
	for i := range rows {
		for j := range steps {
			s.X = append(s.X, text[(i+j)%len(text)])
			s.Class = append(s.Class, int32(text[(i+j+1)%len(text)]))
		}
	}
	return s
}

// A causal transformer and a GRU learn a text that repeats itself, where a token
// alone does not tell the next.
func TestLanguageModels(t *testing.T) {
	s := letters(12, 8)
	for _, l := range []Seq{
		{Embedding{Vocab: 5, Out: 16}, Positional{}, Transformer{Heads: 2, Causal: true}, LayerNorm{}, Dense{Out: 5, PerStep: true}},
		{Embedding{Vocab: 5, Out: 8}, GRU{Out: 24}, Dense{Out: 5, PerStep: true}},
		{Embedding{Vocab: 5, Out: 8}, Conv1D{Out: 24, Kernel: 4, Causal: true}, ReLU{}, Dense{Out: 5, PerStep: true}},
	} {
		n := mustCompile(t, l, s.Shape, Config{Batch: 8, Seed: 3})
		tr := mustTrain(t, n, TrainConfig{Schedule: optim.Constant{LR: 0.01}, Seed: 3})
		for range 200 {
			if _, err := tr.Epoch(s); err != nil {
				t.Fatalf("%v: %v", l, err)
			}
		}
		order := []int32{3, 1, 4}
		if a := testing.AllocsPerRun(5, func() {
			n.step(plan.Pass{Rows: len(order), Train: true, Key: 1}, n.gather(s, order), 1)
		}); a != 0 {
			t.Errorf("%v: %g allocations a step", l, a)
		}
		score, err := n.Evaluate(s)
		// The first step or two of a row are a guess.
		if err != nil || score.Accuracy < 0.9 || score.Loss > 0.25 {
			t.Errorf("%v: %+v, %v", l, score, err)
		}
	}
}

// Inputs that are no tokens are an error before anything is trained, and NaN
// where only the network makes them.
func TestTokens(t *testing.T) {
	l := Seq{Embedding{Vocab: 5, Out: 3}, GlobalAvgPool{}, Dense{Out: 5}}
	n := mustCompile(t, l, data.Shape{2}, Config{Batch: 2})
	for _, v := range []float32{-1, 5, 1.5, float32(math.NaN()), float32(math.Inf(1)), 1e30} {
		x := []float32{0, 4, 2, v}
		s := &data.Set{Shape: data.Shape{2}, X: x, Class: []int32{0, 1}, Classes: 5}
		_, err := n.Evaluate(s)
		if err == nil || !strings.Contains(err.Error(), "row 1, step 1") || !strings.Contains(err.Error(), "from 0 to 4") {
			t.Errorf("token %v: error %v", v, err)
		}
		if err := n.Predict(x, make([]float32, 10)); err == nil {
			t.Errorf("token %v: no error of Predict", v)
		}
	}
	inner := mustCompile(t, Seq{Dense{Out: 3}, Embedding{Vocab: 5, Out: 3}, Dense{Out: 2}}, data.Shape{2}, Config{Batch: 2})
	out := make([]float32, 2)
	if err := inner.Predict([]float32{0.3, 0.1}, out); err != nil || out[0] == out[0] {
		t.Errorf("a fraction as a token gives %v, %v", out, err)
	}
}

func TestSinusoids(t *testing.T) {
	table := make([]float32, 3*5)
	sinusoids(table, 5)
	for i, want := range []float64{
		0, 1, 0, 1, 0,
		math.Sin(1), math.Cos(1), math.Sin(math.Pow(10000, -0.4)), math.Cos(math.Pow(10000, -0.4)), math.Sin(math.Pow(10000, -0.8)),
		math.Sin(2), math.Cos(2), math.Sin(2 * math.Pow(10000, -0.4)), math.Cos(2 * math.Pow(10000, -0.4)), math.Sin(2 * math.Pow(10000, -0.8)),
	} {
		if math.Abs(float64(table[i])-want) > 1e-6 {
			t.Errorf("number %d is %g, want %g", i, table[i], want)
		}
	}
}
