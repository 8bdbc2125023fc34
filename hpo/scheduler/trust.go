package scheduler

import (
	"fmt"
	"math"
	"slices"

	"budwood/search"
)

// Probe is a trial that climbs to the highest rung below the full budget, whatever its
// rank, so that it shows what the lower rungs are worth.
type Probe struct {
	Trial  int       `json:"trial"`
	Values []float64 `json:"values"` // the first objective in each rung that it has been in
}

// How many trials are probes: the first ones, and then one in so many as long as a rung
// may be trusted or not, up to a number.
const (
	probeFirst = 5
	probeEach  = 4
	probeMost  = 12
)

// A rung is trusted if the rank correlation (Spearman) of its values with those of the
// highest rung below the full budget is estimated to be at least leastTrust. What is
// believed before counts as priorProbes probes with the correlation priorTrust. From
// doubtFrom to doubtTo more is to be learned.
const (
	leastTrust             = .8
	priorTrust             = .8
	priorProbes            = 3.
	doubtFrom, doubtTo     = .6, .93
	fewestProbes, mostCorr = 4, .99
)

// trust is what is known of a rung.
type trust struct {
	correlation float64 // as estimated
	probes      int     // that it was estimated from
}

// learns reports whether there is a rung to learn about: with fewer than three nothing
// below the full budget can be compared.
func (a *ASHA) learns() bool {
	return a.Learn && !a.Stopping && len(a.Also) == 0 && len(a.Rungs) > 2
}

// judge is the rung that probes climb to.
func (a *ASHA) judge() int { return len(a.Rungs) - 2 }

// trust of rung k, below the judge.
func (a *ASHA) trust(k int) trust {
	var low, high []float64
	for i := range a.Probes {
		p := &a.Probes[i]
		if len(p.Values) > a.judge() && !a.isAside(p.Trial) {
			low, high = append(low, p.Values[k]), append(high, p.Values[a.judge()])
		}
	}
	n := len(low)
	if n < fewestProbes {
		return trust{priorTrust, n}
	}
	z := math.Atanh(min(max(search.Spearman(low, high), -mostCorr), mostCorr))
	z = (float64(n)*z + priorProbes*math.Atanh(priorTrust)) / (float64(n) + priorProbes)
	return trust{math.Tanh(z), n}
}

func (a *ASHA) isAside(trial int) bool {
	for i := range a.Rungs {
		if slices.ContainsFunc(a.Rungs[i].Aside, func(p Peer) bool { return p.Trial == trial }) {
			return true
		}
	}
	return false
}

// first is the lowest rung that is trusted: trials begin there, and those that wait
// below go on. (What is known of a rung also holds for those below it.)
func (a *ASHA) first() int {
	if !a.learns() {
		return 0
	}
	for k := a.judge() - 1; k >= 0; k-- {
		if a.trust(k).correlation < leastTrust {
			return k + 1
		}
	}
	return 0
}

// probes reports whether a new trial is to be a probe.
func (a *ASHA) probes(trial int) bool {
	if !a.learns() {
		return false
	}
	if trial < probeFirst {
		return true
	}
	if trial%probeEach != 0 || len(a.Probes) >= probeMost {
		return false
	}
	for k := range a.judge() {
		if t := a.trust(k); t.probes >= fewestProbes && t.correlation > doubtFrom && t.correlation < doubtTo {
			return true
		}
	}
	return false
}

// probe is the probe that a trial is, nil if it is none.
func (a *ASHA) probe(trial int) *Probe {
	i, ok := slices.BinarySearchFunc(a.Probes, trial, func(p Probe, t int) int { return p.Trial - t })
	if !ok {
		return nil
	}
	return &a.Probes[i]
}

// uncut is why a peer of rung k goes on whatever its rank; "" if it does not.
func (a *ASHA) uncut(k, i int) string {
	if k >= a.judge() || !a.learns() {
		return ""
	}
	r := &a.Rungs[k]
	if a.probe(r.Peers[i].Trial) != nil {
		return fmt.Sprintf("%s; it goes on to rung %d to show what the lower rungs are worth", r.rank(i), a.Rungs[a.judge()].Budget)
	}
	if k < a.first() {
		return fmt.Sprintf("%s, which says too little: %s", r.rank(i), a.worth(k))
	}
	return ""
}

// raised says in the rung that trials begin in that it is not the lowest one, and why;
// "" elsewhere.
func (a *ASHA) raised(k int) string {
	if k == 0 || k != a.first() {
		return ""
	}
	return fmt.Sprintf("; trials begin at %d epochs, as %s", a.Rungs[k].Budget, a.worth(k-1))
}

// worth says how much rung k says, or the one above it that makes it untrusted.
func (a *ASHA) worth(k int) string {
	for a.trust(k).correlation >= leastTrust && k < a.judge()-1 {
		k++
	}
	t := a.trust(k)
	return fmt.Sprintf("the ranks at %d and %d epochs have a correlation of about %.2f in %d trials", a.Rungs[k].Budget, a.Rungs[a.judge()].Budget, t.correlation, t.probes)
}

// begins is the start of a new trial.
func (a *ASHA) begins(trial int) search.Start {
	k := a.first()
	if a.probes(trial) {
		a.Probes = append(a.Probes, Probe{Trial: trial})
		k = 0
	}
	return search.Start{Trial: trial, Budget: a.Rungs[k].Budget}
}
