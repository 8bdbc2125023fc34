package study

import (
	"cmp"
	"context"
	"fmt"

	"budwood/data"
	"budwood/hpo"
	"budwood/learn/network"
	"budwood/nas"
	"budwood/search"
	"budwood/trials"
)

// plannedDraws is how many candidates stand for a space when memory is planned.
const plannedDraws = 32

// DescribeMemory plans the peak of a study's trials, of candidates drawn from its
// space, against the memory that a worker offers for one. It is "" for a study whose
// objective is a program of the user's.
func DescribeMemory(ctx context.Context, s *Spec, d *data.Data, o Offer) (string, error) {
	m := s.Model()
	if m == nil || d == nil {
		return "", nil
	}
	built, err := m.Supervised(d)
	if err != nil {
		return "", err
	}
	drawn, err := s.drawn(ctx)
	if err != nil {
		return "", err
	}
	role := network.Alone
	if s.Search.Supernet != "" {
		role = network.Sharing // the first trial, which takes the most
	}
	room := o.Complete().Room(s.Resources, d.Bytes(), "a worker here")
	var least, most network.Need
	over := 0
	var first error
	for _, p := range drawn {
		n, err := built.Need(p, role)
		if err != nil {
			first = cmp.Or(first, err)
			continue // it is infeasible for another reason
		}
		if least.Total() == 0 || n.Total() < least.Total() {
			least = n
		}
		if n.Total() > most.Total() {
			most = n
		}
		if room.Bytes > 0 && n.Total() > room.Bytes {
			over++
		}
	}
	if most.Total() == 0 && (s.Mesh.Tensor > 1 || s.Mesh.Pipeline > 1) { // no network can be cut so
		return "", first
	}
	if most.Total() == 0 {
		return "", nil
	}
	text := fmt.Sprintf("%s to %s a trial, %s of data included (%d drawn)", trials.BytesText(least.Total()), trials.BytesText(most.Total()), trials.BytesText(most.Data), len(drawn))
	switch {
	case room.Bytes == 0:
		return text + "; what there is cannot be told", nil
	case over > 0:
		return fmt.Sprintf("%s; %d of them above %s, and infeasible: %s", text, over, trials.BytesText(room.Bytes), room.Of), nil
	}
	return fmt.Sprintf("%s, of %s: %s", text, trials.BytesText(room.Bytes), room.Of), nil
}

// drawn are candidates that stand for the space.
func (s *Spec) drawn(ctx context.Context) (drawn []search.Params, err error) {
	var sampler search.Sampler = hpo.Random{}
	if s.Architecture != nil {
		space, err := s.network()
		if err != nil {
			return nil, err
		}
		sampler = nas.Random{Space: space}
	}
	constraints, err := search.Constrain(s.Space, s.Constraints...)
	if err != nil {
		return nil, &FieldError{"constraints", err}
	}
	for len(drawn) < plannedDraws {
		some, err := sampler.Propose(ctx, search.Request{
			Space: s.Space, Objectives: s.Objectives(), First: len(drawn), N: 1, Seed: s.Search.Seed, Constraints: constraints,
		})
		if err != nil || len(some) == 0 { // a small space has no more
			break
		}
		drawn = append(drawn, some...)
	}
	return drawn, nil
}
