package layout

import "fmt"

// GPT is a language model of equal transformer blocks with a hidden layer of four
// times the width, and an embedding that is the head, too.
type GPT struct {
	Layers int `json:"layers"`
	Hidden int `json:"hidden"`
	Heads  int `json:"heads"`
	Vocab  int `json:"vocab"`
	Seq    int `json:"seq"` // tokens of a sample

	// Plain says that attention writes its scores to memory, as programs did before
	// FlashAttention (Dao et al. 2022).
	Plain bool `json:"plain_attention,omitempty"`

	// Replicated says that norms and residuals are computed by all lanes of a
	// tensor group: no sequence parallelism (Korthikanti et al. 2022).
	Replicated bool `json:"no_sequence_parallel,omitempty"`
}

// Validate returns an error that names the first field that is impossible.
func (g GPT) Validate() error {
	for _, f := range []struct {
		name string
		n    int
	}{{"layers", g.Layers}, {"hidden", g.Hidden}, {"heads", g.Heads}, {"vocab", g.Vocab}, {"seq", g.Seq}} {
		if f.n < 1 || f.n > 1<<24 {
			return &FieldError{f.name, fmt.Errorf("%d: use a whole number from 1 to %d", f.n, 1<<24)}
		}
	}
	if g.Layers > mostLayers-2 {
		return &FieldError{"layers", fmt.Errorf("%d: at most %d can be planned", g.Layers, mostLayers-2)}
	}
	if g.Hidden%g.Heads != 0 {
		return &FieldError{"heads", fmt.Errorf("%d does not divide hidden %d: use %d or %d", g.Heads, g.Hidden, below(g.Hidden, g.Heads), above(g.Hidden, g.Heads))}
	}
	return nil
}

// below and above are the divisors of n next to k, for 1 ≤ k ≤ n.
func below(n, k int) int {
	for k = min(k, n); n%k != 0; k-- {
	}
	return k
}

func above(n, k int) int {
	for k = min(k, n); n%k != 0; k++ {
	}
	return k
}

// Model is the GPT as layers, for a batch of sequences a step.
//
// What a block keeps is 34·s·h bytes of a sequence of s tokens with 2 bytes an
// activation, of which 10·s·h are the same on all lanes without sequence
// parallelism, and 5·a·s² for the scores of a heads where they are kept
// (Korthikanti et al. 2022, section 4.1). What it moves is counted as the same
// bytes: the constant Moves tells how often. Without its scores, attention can
// leave out those of later tokens.
func (g GPT) Model(batch int, precision Precision) Model {
	s, h, v := float64(g.Seq), float64(g.Hidden), float64(g.Vocab)
	e := precision.element()
	wide := e * s * h // bytes of one activation as wide as the network
	all := 0.0        // bytes that all lanes keep
	if g.Replicated {
		all = 5 * wide
	}
	block := Layer{
		Name: "block", Products: 12 * s * h * h, Scores: s * s * h, Width: h, Rows: s, Bytes: 17 * wide, Whole: all, Kept: 17 * wide, KeptAll: all,
		Params: 12*h*h + 13*h, Input: wide, Sums: 2, Summed: 2 * wide, Heads: g.Heads,
	}
	if g.Plain {
		scores := e * float64(g.Heads) * s * s
		block.Scores, block.Bytes, block.Kept = 2*block.Scores, block.Bytes+1.5*scores, block.Kept+2.5*scores
	}
	layers := []Layer{{Name: "embedding", Bytes: 3 * wide, Params: v*h + s*h, Kept: wide, Input: 4 * s, Sums: 1, Summed: wide, Heads: g.Heads}}
	for range g.Layers {
		layers = append(layers, block)
	}
	layers[1].Joined = true
	layers = append(layers, Layer{
		Name: "head", Products: s * v * h, Width: h, Rows: s, Bytes: 3 * e * s * v, Kept: (e+4)*s*v + wide,
		Params: v * h, Tied: true, Input: wide, Heads: g.Heads, Joined: true,
	})
	return Model{Layers: layers, Batch: batch, Precision: precision, Even: true, Chunks: true}
}
