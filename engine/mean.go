package engine

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Mean is one network whose outputs are the mean of those of several: an
// ensemble that predicts, is saved and exported like any other network. Inputs
// and outputs must agree, and every network must end in a [Dense]; their layers
// may differ. Of classes it averages the logits, that is, the logarithms of the
// probabilities up to a constant. The weights are copies; the last layers' are
// divided by the number of networks, so that branches of a [Par] add up to the
// mean. The mean of one network is a copy of it.
func Mean(nets ...*Net) (*Net, error) {
	if len(nets) == 0 {
		return nil, fmt.Errorf("mean: no networks")
	}
	first := nets[0]
	par := Par{}
	for i, n := range nets {
		if n.err != nil {
			return nil, n.err
		}
		s, ok := n.layer.(Seq)
		if ok && len(s) > 0 {
			_, ok = s[len(s)-1].(Dense)
		}
		switch {
		case !ok || len(s) == 0:
			return nil, fmt.Errorf("mean: network %d does not end in a Dense", i)
		case !n.in.Equal(first.in) || !n.out.Equal(first.out):
			return nil, fmt.Errorf("mean: network %d maps %v to %v, network 0 %v to %v", i, n.in, n.out, first.in, first.out)
		}
		par.Branches = append(par.Branches, s)
	}
	out, err := Compile(Seq{par}, first.in, first.cfg)
	if err != nil {
		return nil, err
	}
	params, stats := out.params, out.stats // those of the branches come one after the other
	for i, n := range nets {
		copy(params, n.params)
		at := 0
		for _, t := range n.Tensors() {
			if layer, _, _ := strings.Cut(t.Name, "."); layer == strconv.Itoa(len(par.Branches[i])-1) {
				last := params[at : at+len(t.Data)]
				for j := range last {
					last[j] /= float32(len(nets))
				}
			}
			at += len(t.Data)
		}
		copy(stats, n.stats)
		params, stats = params[len(n.params):], stats[len(n.stats):]
	}
	return out, nil
}

// JoinScores is the score over the rows of several sets, of each of which there
// is a score: means weighted by the numbers of rows (of R² too).
func JoinScores(scores []Score, rows []int) Score {
	var out Score
	total := 0.
	for i, s := range scores {
		n := float64(rows[i])
		out.Loss += n * s.Loss
		out.Accuracy += n * s.Accuracy
		out.RMSE += n * s.RMSE * s.RMSE
		out.R2 += n * s.R2
		total += n
	}
	return Score{out.Loss / total, out.Accuracy / total, math.Sqrt(out.RMSE / total), out.R2 / total}
}
