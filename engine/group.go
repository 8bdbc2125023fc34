package engine

import (
	"cmp"
	"errors"
	"fmt"
	"path"

	"budwood/engine/internal/check"
	"budwood/engine/internal/plan"
	"budwood/engine/optim"
)

// Group gives some of the parameters rules of their own.
type Group struct {
	Names   []string // patterns of [path.Match] on the names of tensors: "*.bias", "0.*"
	Vectors bool     // every tensor of one axis besides: biases, scales and shifts of norms
	Rate    float64  // times the schedule's learning rate; 0 means 1
	NoDecay bool     // no weight decay
	Frozen  bool     // not trained: the values stay, and their gradients do not count when the norm is clipped
}

func (g *Group) validate() error {
	if len(g.Names) == 0 && !g.Vectors {
		return errors.New("it names no tensors")
	}
	for _, p := range g.Names {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("pattern %q: %w", p, err)
		}
	}
	if g.Frozen && (g.Rate != 0 || g.NoDecay) {
		return errors.New("it is frozen, and has rules for training")
	}
	return check.NonNegative("learning rate factor", g.Rate)
}

func (g *Group) holds(p *plan.Param) bool {
	for _, pattern := range g.Names {
		if ok, err := path.Match(pattern, p.Name); ok && err == nil {
			return true
		}
	}
	return g.Vectors && len(p.Shape) == 1
}

// part is a stretch of the parameters with the same rules.
type part struct {
	optim.Span
	stretch         // of all parameters
	rate    float64 // times the schedule's learning rate
	missed  int     // steps that the trainer took without it: see [Trainer.Swap]
	frozen  bool
	mask    []float32 // nil without
}

// parts cuts the parameters into stretches with the same rules; the first group that holds a tensor counts. steps are those that
// each tensor has taken part in; nil: all. It is an error if a group that names
// tensors holds none.
func (t *Trainer) parts(steps []int) (parts []part, err error) {
	n := t.net
	of, err := t.cfg.groupsOf(n.wholePlan().Params)
	if err != nil {
		return nil, err
	}
	of = of[n.first().params:]
	start, end := 0, 0
	for i, p := range n.plan.Params {
		rules := part{Span: optim.Span{Decay: 1}, rate: 1}
		if steps != nil {
			rules.missed = t.steps - steps[i]
		}
		if k := of[i]; k >= 0 {
			g := &t.cfg.Groups[k]
			rules.rate, rules.frozen = cmp.Or(g.Rate, 1), g.Frozen
			if g.NoDecay {
				rules.Decay = 0
			}
		}
		if k := len(parts) - 1; k < 0 || parts[k].rate != rules.rate || parts[k].Decay != rules.Decay || parts[k].missed != rules.missed || parts[k].frozen != rules.frozen {
			parts, start = append(parts, rules), end
		}
		end += int(p.Size)
		parts[len(parts)-1].stretch = stretch{start, end}
	}
	return parts, nil
}

// groupsOf is the number of the first group that holds each tensor of the whole network; −1:
// none does. It is an error if a group that names tensors holds none, or if nothing is left
// to train.
func (c *TrainConfig) groupsOf(all []*plan.Param) ([]int, error) {
	of, used, frozen := make([]int, len(all)), make([]bool, len(c.Groups)), true
	for i, p := range all {
		of[i] = -1
		for k := range c.Groups {
			if c.Groups[k].holds(p) {
				of[i], used[k] = k, true
				break
			}
		}
		frozen = frozen && of[i] >= 0 && c.Groups[of[i]].Frozen
	}
	for i, ok := range used {
		if !ok && len(c.Groups[i].Names) > 0 {
			return nil, fmt.Errorf("group %d: no tensor is left for %v", i, c.Groups[i].Names)
		}
	}
	if frozen {
		return nil, errors.New("all parameters are frozen")
	}
	return of, nil
}
