package optim

import (
	"math"
	"strings"
	"testing"
)

// Epochs of one step, unless said otherwise.
func TestSchedules(t *testing.T) {
	at := func(step, total int) Progress { return Progress{Step: step, Total: total, Epoch: 1} }
	cosine := CosineDecay{LR: .005, Min: 1e-7}
	restarts := WarmRestarts{LR: .005, Min: 1e-7, First: 10, Factor: 2}
	warm := Warmup{Then: CosineDecay{LR: 1}, Share: .2}
	cycle := OneCycle{LR: 1}
	for _, c := range []struct {
		name string
		s    Schedule
		p    Progress
		want float64
	}{
		{"constant, default", Constant{}, at(3, 10), .001},
		{"cosine, 0", cosine, at(0, 10), .005},
		{"cosine, 1 of 10", cosine, at(1, 10), .0048776437}, // specification, cosine annealing, t 1
		{"cosine, end", cosine, at(10, 10), 1e-7},
		{"cosine, beyond", cosine, at(15, 10), 1e-7},
		{"restarts, 1", restarts, at(1, 0), .0048776437},   // specification, warm restarts, t 1
		{"restarts, 15", restarts, at(15, 0), .0042677816}, // t 15: 5 of the second cosine of 20
		{"restarts, 10", restarts, at(10, 0), .005},
		{"restarts, 30", restarts, at(30, 0), .005},
		{"restarts, half an epoch", restarts, Progress{Step: 2, Epoch: 2}, .0048776437},
		{"restarts, equal", WarmRestarts{LR: .005, Min: 1e-7}, at(21, 0), .0048776437},
		{"step, before", StepDecay{LR: 1, Every: 3}, Progress{Step: 5, Epoch: 2}, 1},
		{"step, after", StepDecay{LR: 1, Every: 3}, Progress{Step: 6, Epoch: 2}, .1},
		{"step, twice", StepDecay{LR: 1, Every: 3, Factor: .5}, Progress{Step: 13, Epoch: 2}, .25},
		{"step, thirds", StepDecay{LR: 1}, at(6, 9), .01},
		{"exponential", Exponential{LR: 1, Factor: .9}, Progress{Step: 7, Epoch: 3}, .81},
		{"warm-up, 0", warm, at(0, 10), .5},
		{"warm-up, 1", warm, at(1, 10), 1},
		{"warm-up, over", warm, at(2, 10), 1},
		{"after the warm-up", warm, at(6, 10), .5},
		{"warm-up of steps", Warmup{Steps: 4}, at(0, 0), .00025},
		{"one cycle, 0", cycle, at(0, 100), .04},
		{"one cycle, top", cycle, at(29, 100), 1},
		{"one cycle, middle of the fall", cycle, at(64, 100), (1 + .04/1e4) / 2},
		{"one cycle, end", cycle, at(99, 100), .04 / 1e4},
		{"plateau", Plateau{Then: Constant{LR: 3}}, at(7, 0), 3},
	} {
		if got := c.s.Rate(c.p); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %.10f, want %.10f", c.name, got, c.want)
		}
	}
}

func TestScheduleErrors(t *testing.T) {
	for _, c := range []struct {
		s      Schedule
		epochs int
		want   string
	}{
		{CosineDecay{}, 0, "number of epochs"},
		{CosineDecay{LR: -1}, 3, "learning rate -1"},
		{CosineDecay{Min: -1}, 3, "lowest learning rate -1"},
		{Constant{LR: math.NaN()}, 3, "learning rate NaN"},
		{WarmRestarts{First: -1}, 3, "-1 epochs"},
		{StepDecay{}, 0, "step decay"},
		{StepDecay{Factor: 2}, 3, "factor 2"},
		{Exponential{Factor: -1}, 3, "factor -1"},
		{OneCycle{}, 0, "number of epochs"},
		{OneCycle{Divide: .5}, 3, "divisor 0.5"},
		{Warmup{Share: 1}, 3, "warm-up 1"},
		{Warmup{Share: .1}, 0, "number of epochs"},
		{Warmup{Share: .1, Steps: 3}, 3, "either"},
		{Warmup{Then: Plateau{Then: Exponential{Factor: 2}}}, 3, "factor 2"},
		{Plateau{Factor: 1}, 3, "factor 1"},
	} {
		if err := CheckSchedule(c.s, c.epochs); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v does not say %q", c.s, err, c.want)
		}
	}
}
