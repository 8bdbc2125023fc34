package trials

import (
	"fmt"
	"strconv"
)

// Place is where a process stands in a gang: the processes of one trial, its ranks,
// which are started together and find each other by this. It becomes the variables of
// PyTorch's env:// (RANK and so on).
type Place struct {
	Rank, Ranks   int    // which of how many
	Local, Locals int    // the same among those of its machine
	Addr          string // of the machine of rank 0, as seen from this one
	Port          int    // one that is free there
}

// At is the command of a rank.
func (c *Command) At(p Place) *Command {
	out := *c
	out.place = &p
	return &out
}

// variables are what the place adds to the environment; nil for a command that is
// alone.
func (p *Place) variables() []string {
	if p == nil {
		return nil
	}
	var out []string
	for _, v := range []struct {
		name  string
		value int
	}{{"RANK", p.Rank}, {"WORLD_SIZE", p.Ranks}, {"LOCAL_RANK", p.Local}, {"LOCAL_WORLD_SIZE", p.Locals}, {"MASTER_PORT", p.Port}} {
		out = append(out, v.name+"="+strconv.Itoa(v.value))
	}
	return append(out, "MASTER_ADDR="+p.Addr)
}

// of names a rank of a trial in messages: "trial t0003: rank 2".
func (p *Place) of(t *Trial) string {
	if p == nil {
		return "trial " + t.Name()
	}
	return fmt.Sprintf("trial %s: rank %d", t.Name(), p.Rank)
}
