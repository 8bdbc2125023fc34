package search

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Counted are the records that are not set aside.
func Counted(records []Record) []Record {
	if !slices.ContainsFunc(records, func(r Record) bool { return r.Aside != "" }) {
		return records
	}
	out := make([]Record, 0, len(records))
	for _, r := range records {
		if r.Aside == "" {
			out = append(out, r)
		}
	}
	return out
}

// SetAside says which trials do not count, all of them in order; top are the best
// of those that do. A trial that runs and does not count ends as stopped when it
// reports, and one that was to go on after an earlier end of the study at once; one
// that is paused stays where it is: it may count again. Slots are offered by what
// the driver calls next.
func (l *Loop) SetAside(trials []int, top []Scored) Decision {
	var d Decision
	if !slices.Equal(trials, l.Aside) {
		l.setAside(&d, trials, top)
	}
	for _, t := range trials {
		l.giveUp(&d, t, "set aside")
	}
	return d
}

func (l *Loop) setAside(d *Decision, trials []int, top []Scored) {
	l.Aside = trials
	if l.Started == 0 { // what the scheduler will hear of them says nothing
		return
	}
	l.Top = top[:min(len(top), l.Retrain.Best)]
	l.Queue = slices.DeleteFunc(l.Queue, l.IsAside)
	var known []int // to the scheduler
	for _, t := range trials {
		if _, again := l.findAgain(t); !again {
			known = append(known, l.schedulerNumber(t))
		}
	}
	l.step(d, Aside{known})
}

// IsAside reports whether a trial does not count.
func (l *Loop) IsAside(trial int) bool {
	_, found := slices.BinarySearch(l.Aside, trial)
	return found
}

// uncounted takes the outcome of a trial that is set aside: it ends, and its
// values are nobody's business.
func (l *Loop) uncounted(d *Decision, o Outcome) {
	if o.State == Paused {
		o.State = Stopped
		d.Ended = append(d.Ended, Ending{o.Trial, Stopped, "set aside"})
	}
	if _, again := l.findAgain(o.Trial); !again {
		l.step(d, Ended{Trial: l.schedulerNumber(o.Trial), Budget: o.Budget, State: o.State})
	}
}

// TrialRanges names trials in short: "t0001,t0003-t0007".
func TrialRanges(ids []int) string {
	var out []string
	for i := 0; i < len(ids); {
		k := i
		for k+1 < len(ids) && ids[k+1] == ids[k]+1 {
			k++
		}
		switch {
		case k == i:
			out = append(out, TrialName(ids[i]))
		default:
			out = append(out, TrialName(ids[i])+"-"+TrialName(ids[k]))
		}
		i = k + 1
	}
	return strings.Join(out, ",")
}

// ParseTrialRanges reads "t0001,t0003-t0007" or "1,3-7": the numbers in order,
// each once. Those after the last trial are an error, of which there are n.
func ParseTrialRanges(text string, n int) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(text, ",") {
		from, to, span := strings.Cut(strings.TrimSpace(part), "-")
		a, err := trialID(from)
		b := a
		if err == nil && span {
			b, err = trialID(to)
		}
		switch {
		case err != nil:
			return nil, err
		case b < a:
			return nil, fmt.Errorf("%q ends before it begins", part)
		case b >= n && n == 0:
			return nil, fmt.Errorf("there is no trial %s: there are none yet", TrialName(b))
		case b >= n:
			return nil, fmt.Errorf("there is no trial %s: the last one is %s", TrialName(b), TrialName(n-1))
		}
		for id := a; id <= b; id++ {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func trialID(text string) (int, error) {
	id, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(text), "t"))
	if err != nil || id < 0 {
		return 0, fmt.Errorf("%q is not a trial: give trials like t0031, t0003-t0007 or t0001,t0003-t0007", text)
	}
	return id, nil
}
