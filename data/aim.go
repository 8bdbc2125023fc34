package data

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
)

// aim describes the target over the rows of the source's own file.
func (p *Profile) aim(task Task, classes []string, c *column) {
	t := &TargetProfile{Name: c.name, Task: task}
	rows := p.Rows
	p.Target = t
	left := 0
	if task == Classification {
		count := make([]int, len(classes))
		of := classOf(classes, c)
		n := 0
		for i := range rows {
			k := of(i)
			if k < 0 {
				left++
				continue
			}
			count[k]++
			n++
		}
		for k, name := range classes {
			t.Classes = append(t.Classes, ClassRows{name, count[k]})
			if share := float64(count[k]) / float64(max(n, 1)); share > 0 {
				t.LogLoss -= share * math.Log(share)
			}
		}
		most := slices.MaxFunc(t.Classes, func(a, b ClassRows) int { return cmp.Compare(a.Rows, b.Rows) })
		t.Always, t.Baseline = most.Name, float64(most.Rows)/float64(max(n, 1))
		for _, k := range t.Classes {
			if k.Rows < 5 {
				p.Warnings = append(p.Warnings, fmt.Sprintf("class %s has %s, too few to learn it or to judge it", quote(k.Name), howMany(k.Rows, "row")))
			}
		}
	} else {
		var m moments
		m.add(c.num[:rows], count(rows))
		left = rows - m.n
		t.Mean, t.Low, t.High, t.Baseline = m.mean(), m.lo, m.hi, m.std()
		t.Always = fmt.Sprintf("%.6g", t.Mean)
	}
	p.LeftOut = left
	if left > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%s without a target left out", howMany(left, "row")))
	}
}

// classOf is the class of a row, -1 if it has none.
func classOf(classes []string, c *column) func(row int) int {
	place := map[string]int{}
	for k, name := range classes {
		place[name] = k
	}
	if !c.text {
		return func(row int) int {
			if x := c.num[row]; !math.IsNaN(x) {
				return place[exactNumber(x)]
			}
			return -1
		}
	}
	of := make([]int, len(c.levels))
	for k, name := range c.levels {
		of[k] = place[name]
	}
	return func(row int) int {
		if k := c.code[row]; k >= 0 {
			return of[k]
		}
		return -1
	}
}

var targetNames = []string{"target", "label", "labels", "class", "y", "outcome", "response", "output", "result"}

// ProposeTarget is the column that is most likely the one to predict, and why.
func (p *Profile) ProposeTarget() (name, why string) {
	for _, want := range targetNames {
		for _, c := range p.Columns {
			if c.Role != "left out" && strings.EqualFold(c.Name, want) {
				return c.Name, "by its name"
			}
		}
	}
	for _, c := range slices.Backward(p.Columns) {
		if c.Role == string(input) && c.Distinct > 1 && (c.Kind == KindNumber || c.Kind == KindCategory && 2*c.Distinct <= p.Rows) {
			return c.Name, "the last column that can be predicted"
		}
	}
	return "", ""
}

// Understand is the profile of a table, of which nothing else is kept. Its source may
// name no target.
func Understand(ctx context.Context, s Source) (*Profile, error) {
	named := s
	if s.Target == "" {
		named.Target = "\x00" // none has this name
	}
	if err := named.Validate(); err != nil {
		return nil, err
	}
	s.Reading = max(s.Reading, 1)
	t, goal, _, err := understand(ctx, s)
	if err != nil {
		return nil, err
	}
	p := t.profile
	if goal == nil {
		p.told()
		return p, nil
	}
	g, bad := newGoal(goal, p.Rows, s.Task)
	if bad != nil {
		bad.Path, bad.Column = s.files()[0].path, s.Target
		return nil, bad
	}
	task := Classification
	if g.class == nil {
		task = Regression
	}
	p.finish(task, g.names, t, goal)
	return p, nil
}
