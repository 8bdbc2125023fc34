package study

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"

	"budwood/learn/network"
	"budwood/trials"
)

// Offer is what a training worker has: its trials together use no more. The
// zero value means every processor, a share of the memory that there is (see
// [trials.TrialMemory]) and no tags.
type Offer struct {
	CPU     int
	Mem     Bytes
	Tags    []string
	Address string // where ranks of gangs on other machines reach this one: a name or a number; "": they do not
	Plain   bool   // they speak to this one without TLS, as all of them must

	of string // what the memory is a part of; "" means that the operator said how much
}

// Complete fills in what is not given.
func (o Offer) Complete() Offer {
	if o.CPU == 0 {
		o.CPU = runtime.GOMAXPROCS(0)
	}
	if o.Mem == 0 {
		mem, of := trials.TrialMemory()
		o.Mem, o.of = Bytes(mem), of
	}
	return o
}

// fits tells how many trials with such needs the worker can train at once. One that
// asks for more memory than the default gets all of it.
func (o Offer) Fits(r Resources) int {
	for _, t := range r.Tags {
		if !slices.Contains(o.Tags, t) {
			return 0
		}
	}
	n := o.CPU / max(r.CPU, 1)
	if o.Mem > 0 && r.Mem > 0 {
		fit := int(o.Mem / r.Mem)
		if o.of != "" {
			fit = max(fit, 1)
		}
		n = min(n, fit)
	}
	return n
}

// share is the memory of a trial that does not ask for some, of all but what the
// data set takes. It is 0 if memory is not counted.
func (o Offer) Share(r Resources, data int64) int64 {
	if o.Mem == 0 {
		return 0
	}
	return max((int64(o.Mem)-data)/int64(max(o.CPU/max(r.CPU, 1), 1)), 1)
}

// Room is what a trial of a study may take, with a data set of so many bytes: what
// the study asks for, or its share of the worker's, of which the data set is taken
// off once for all. who is the worker.
func (o Offer) Room(r Resources, data int64, who string) network.Room {
	share := o.Share(r, data)
	switch {
	case r.Mem > 0:
		return network.Room{Bytes: int64(r.Mem), Of: "resources.mem of the study"}
	case share == 0:
		return network.Room{}
	}
	return network.Room{Bytes: data + share, Of: fmt.Sprintf("%s has %s, for %d at once and their data set", who, o.words(), max(o.CPU/max(r.CPU, 1), 1))}
}

// words are the memory for trials, and what it is a part of.
func (o Offer) words() string {
	return trials.BytesText(int64(o.Mem)) + " " + cmp.Or(o.of, "by --mem")
}

// Describe tells how much memory there is for a trial.
func (o Offer) Describe() string {
	o = o.Complete()
	if o.Mem == 0 {
		return "not counted, for what there is cannot be told: say it with --mem"
	}
	return fmt.Sprintf("%s for a trial: %s, for %d at once; a network that is planned to take more is infeasible", trials.BytesText(o.Share(Resources{}, 0)), o.words(), o.CPU)
}
