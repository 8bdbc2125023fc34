package study

import (
	"context"
	"errors"
	"fmt"

	"budwood/hpo"
	"budwood/search"
)

// exampleDraws is how many candidates [Spec.Examples] chooses from.
const exampleDraws = 200

// Examples are some candidates of a study which between them have as many of its
// branches and options as may be: those that one looks at to see what a command is
// given. They are the same for the same study.
func (s *Spec) Examples(n int) ([]search.Params, error) {
	c, err := s.constraints()
	if err != nil {
		return nil, err
	}
	var drawn []search.Params
	for i := range exampleDraws { // one by one: a space may hold fewer
		req := search.Request{Space: s.Space, Objectives: s.Objectives(), First: i, N: 1, Seed: s.Search.Seed, Constraints: c}
		more, err := hpo.Random{}.Propose(context.Background(), req)
		if err != nil && !errors.Is(err, search.ErrExhausted) {
			return nil, err
		}
		drawn = append(drawn, more...)
	}
	seen := map[string]bool{}
	var out []search.Params
	for len(out) < n && len(drawn) > 0 {
		best, most := 0, -1
		for i, p := range drawn {
			fresh := 0
			for _, trait := range traits(s.Space, p) {
				if !seen[trait] {
					fresh++
				}
			}
			if fresh > most {
				best, most = i, fresh
			}
		}
		if most == 0 && len(out) > 0 { // nothing new: another one, if it is one
			best = 0
			for best < len(drawn) && seen[drawn[best].Key()] {
				best++
			}
			if best == len(drawn) {
				break
			}
		}
		p := drawn[best]
		drawn = append(drawn[:best:best], drawn[best+1:]...)
		for _, trait := range traits(s.Space, p) {
			seen[trait] = true
		}
		seen[p.Key()] = true
		out = append(out, p)
	}
	return out, nil
}

// traits are the parameters that a candidate has, and the options it takes.
func traits(space search.Space, p search.Params) []string {
	var out []string
	for _, d := range space.Active(p) {
		trait := d.Name
		if d.Kind == search.KindChoice {
			trait = fmt.Sprintf("%s=%v", d.Name, p[d.Name])
		}
		out = append(out, trait)
	}
	return out
}
