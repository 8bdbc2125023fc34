package study

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"budwood/data"
	"budwood/engine"
	"budwood/learn/network"
	"budwood/search"
)

// autoRanks reports whether the program is to choose the mesh of a gang, which it does
// once for all trials: their ranks need to know it before they meet.
func (s *Spec) autoRanks() bool { return s.Mesh.Auto && s.Mesh.Ranks.Several() }

// chooseRanks chooses the mesh of a gang, if that is the program's to choose, and writes it
// into the study. It is the one of the least predicted time that fits the memory of a rank,
// for the longest of the candidates drawn from the space that all of them can be trained
// with. Times are those of the built-in machine, so that a file gives the same mesh
// wherever it is read.
func (s *Spec) chooseRanks(ctx context.Context, d *data.Data) error {
	if !s.autoRanks() || d == nil {
		return nil
	}
	built, err := s.Model().Supervised(d)
	if err != nil {
		return err
	}
	built.Room = Offer{}.Complete().Room(s.Resources, d.Bytes(), "a worker here")
	drawn, err := s.drawn(ctx)
	if err != nil {
		return err
	}
	type sized struct {
		params search.Params
		epoch  float64
	}
	var all []sized
	alone := built
	alone.Mesh = engine.Mesh{Data: 1}
	for _, p := range drawn {
		if _, _, epoch, err := alone.Forecast(p); err == nil { // else it is infeasible
			all = append(all, sized{p, epoch})
		}
	}
	if len(all) == 0 {
		return nil // what is wrong with them is said elsewhere
	}
	slices.SortStableFunc(all, func(a, b sized) int { return cmp.Compare(b.epoch, a.epoch) })
	var why error // what was tried first is not possible
	try := func(given engine.Mesh, p search.Params) error {
		built.Mesh = given
		_, c, _, err := built.Forecast(p)
		switch {
		case err != nil:
			return err
		case c == nil:
			return fmt.Errorf("no mesh of %s ranks fits %s for a rank", given.Ranks, built.Room.Of)
		}
		chosen := *s
		chosen.Mesh = s.settled(c, built, p)
		of, one, several := built, 0.0, 0.0
		of.Mesh = chosen.Mesh
		of.Mesh.Ranks.Min = of.Mesh.Ranks.Max
		for _, o := range all {
			_, _, epoch, err := of.Forecast(o.params)
			if err != nil {
				return err
			}
			one, several = one+o.epoch, several+epoch
		}
		if s.Mesh.Ranks.Min == 1 && several > worth*one && chosen.Mesh.Ranks.Several() && fits(alone, p) {
			return fmt.Errorf("%s would save less than 5 %% of the time of all of them", c.Best.Mesh.Words())
		}
		if err := chosen.completeMesh(); err != nil {
			return err
		}
		if why != nil && c.Why != "" {
			c.Why = why.Error()
		}
		*s = chosen
		s.chosen = fmt.Sprintf("for the candidates drawn (%d): %s", len(drawn), c)
		return nil
	}
	whole := s.Mesh // stages and parts of layers are not for all networks
	whole.Pipeline, whole.Tensor = 1, max(whole.Tensor, 1)
	single := whole
	single.Ranks = engine.Ranks{Min: 1, Max: 1}
	for _, given := range []engine.Mesh{s.Mesh, whole, single} {
		if given.Ranks.Min < s.Mesh.Ranks.Min {
			break
		}
		for _, i := range slices.Compact([]int{0, len(all) / 2, len(all) - 1}) {
			err := try(given, all[i].params)
			if err == nil {
				return nil
			}
			why = cmp.Or(why, err)
		}
	}
	first, _, _ := strings.Cut(why.Error(), "\n")
	return wrong("mesh", "auto finds no mesh for all candidates of the space, the first one that was tried says: %s. Write data and ranks", first)
}

// fits reports whether a trial has room for a candidate.
func fits(built network.Supervised, p search.Params) bool {
	n, err := built.Need(p, network.Alone)
	return err == nil && (built.Room.Bytes == 0 || n.Total() <= built.Room.Bytes)
}

// settled is what is written into the study: the chosen mesh, and how few ranks it may have.
func (s *Spec) settled(c *engine.Choice, built network.Supervised, p search.Params) engine.Mesh {
	m := c.Best.Mesh
	m.World, m.Machine, m.Auto = nil, nil, false
	if m.Pipeline == 1 {
		m.Pipeline = 0
	}
	if m.Tensor == 1 {
		m.Tensor = 0
	}
	if !m.Ranks.Several() {
		m.Ranks, m.Zero = engine.Ranks{}, 0
	}
	if of := s.ends("accumulate"); m.Pipeline < 2 && slices.Min(of) < slices.Max(of) {
		m.MicroBatches = s.Mesh.MicroBatches // as many as each accumulates
	}
	for n := m.Ranks.Max - 1; n >= max(s.Mesh.Ranks.Min, 1) && m.Ranks.Several(); n-- {
		built.Mesh = m
		built.Mesh.Ranks, built.Mesh.World = engine.Ranks{}, nil
		if n > 1 {
			built.Mesh.World = &engine.World{Ranks: n}
		}
		if !fits(built, p) {
			break
		}
		m.Ranks.Min = n
	}
	return m
}

// MeshChoice says which mesh was chosen for a study's gangs, and why; "" where there was
// none to choose.
func MeshChoice(s *Spec) string { return s.chosen }
