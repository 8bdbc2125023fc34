package study

import (
	"fmt"
	"slices"
	"strings"

	"budwood/hpo/scheduler"
	"budwood/search"
)

// Method is a sampler or a scheduler by the name that a study gives it, with all
// that there is to know of it. Validation, messages, help and the tables of the docs
// follow from the tables of methods: [Samplers], [ArchitectureSamplers] and
// [Schedulers].
type Method struct {
	Name    string
	Aliases []string // other names for it; a study that is complete has Name
	Is      string   // what it is, in a few words
	When    string   // when to choose it
	Several bool     // it looks at all objectives of a study, not at the first alone
	Learns  bool     // of a sampler: what it proposes depends on results
	Costs   bool     // of a sampler: it weighs what a trial costs (search.cost)
	Derives bool     // of a sampler of architectures: it derives networks from others, which may inherit (search.inherit)
	Keys    []string // of a scheduler: the keys of [Settings] that it reads

	sampler   func(*Spec) (search.Sampler, error)
	scheduler func(*Spec) ladder
}

// Methods are the rows of one table.
type Methods []Method

// Names are the names of the methods.
func (m Methods) Names() []string {
	out := make([]string, len(m))
	for i := range m {
		out[i] = m[i].Name
	}
	return out
}

// Find is the method of a name or an alias, or nil.
func (m Methods) Find(name string) *Method {
	for i := range m {
		if m[i].Name == name || slices.Contains(m[i].Aliases, name) {
			return &m[i]
		}
	}
	return nil
}

// those are the names of the methods of which something is true.
func (m Methods) those(are func(*Method) bool) (names []string) {
	for i := range m {
		if are(&m[i]) {
			names = append(names, m[i].Name)
		}
	}
	return names
}

// choose replaces an alias by its name. It is an error at path if there is no such
// method, or if it cannot do with all of the study's objectives.
func (s *Spec) choose(path string, name *string, m Methods) error {
	found := m.Find(*name)
	if found == nil {
		return oneOf(path, *name, m.Names())
	}
	*name = found.Name
	if len(s.Also) == 0 || found.Several {
		return nil
	}
	return wrong(path, "%s uses the first objective only, and 'also' names more: remove it, or choose one of %s", found.Name,
		strings.Join(m.those(func(m *Method) bool { return m.Several }), ", "))
}

// samplers is the table from which the study's sampler is.
func (s *Spec) samplers() Methods {
	if s.Architecture != nil {
		return ArchitectureSamplers
	}
	return Samplers
}

// method is the study's sampler; one of the user's own is taken to learn.
func (s *Spec) method() Method {
	if m := s.samplers().Find(s.Search.Sampler); m != nil && !s.Search.Own {
		return *m
	}
	return Method{Name: s.Search.Sampler, Learns: true, Several: true}
}

// newSampler is the study's sampler, by default the first of its table.
func newSampler(s *Spec) (search.Sampler, error) {
	if s.Search.Own {
		return nil, fmt.Errorf("%s belongs to the Go program that began the study: run that program again", s.Search.Sampler)
	}
	m := s.samplers().Find(s.Search.Sampler)
	if m == nil {
		m = &s.samplers()[0]
	}
	return m.sampler(s)
}

// ladder is a search.Scheduler that can say what it will do.
type ladder interface {
	search.Scheduler
	Brackets() []scheduler.Bracket
}

// newScheduler is the study's scheduler, by default the first of its table.
func newScheduler(s *Spec) ladder {
	m := Schedulers.Find(s.Search.Scheduler)
	if m == nil {
		m = &Schedulers[0]
	}
	return m.scheduler(s)
}

// words lists names as a sentence does: "a, b and c".
func words(names []string, last string) string {
	n := len(names) - 1
	if n < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:n], ", ") + " " + last + " " + names[n]
}
