package study

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/layout"
	"budwood/learn/network"
	"budwood/search"
)

// MeshLine is a line of what is said of a study's mesh.
type MeshLine struct{ Key, Text string }

// MeshWarning is the key of the line that says that ranks would take longer than one.
const MeshWarning = "mesh.warning"

// DescribeSteps says what the steps of a study's trials take on its mesh, by their plans
// alone: memory, what is sent, and time, of that of the candidates drawn from its space
// whose epochs take longest. There is nothing to say of a study without a mesh, or whose
// objective is a program of the user's.
func DescribeSteps(ctx context.Context, s *Spec, d *data.Data, m *engine.Machine) ([]MeshLine, error) {
	model := s.Model()
	if model == nil || d == nil || !s.Mesh.Cuts() {
		return nil, nil
	}
	built, err := model.Supervised(d)
	if err != nil {
		return nil, err
	}
	built.Mesh.Machine = m
	built.Room = Offer{}.Complete().Room(s.Resources, d.Bytes(), "a worker here")
	drawn, err := s.drawn(ctx)
	if err != nil {
		return nil, err
	}
	var most forecast
	normed := 0 // the fewest values of any batch norm
	least, meshes := math.Inf(1), map[string]int{}
	for _, p := range drawn {
		f := forecast{params: p}
		if f.Prediction, f.choice, f.epoch, err = built.Forecast(p); err != nil {
			continue // it is infeasible
		}
		meshes[f.Mesh.Words()]++
		if n := f.Normed; n > 0 && (normed == 0 || n < normed) {
			normed = n
		}
		least = min(least, f.epoch)
		if f.epoch > most.epoch {
			most = f
		}
	}
	if most.Prediction == nil {
		return nil, nil
	}
	lines := most.lines(built, m, least, meshes, len(drawn))
	if s.chosen != "" {
		lines = append([]MeshLine{{"mesh.chosen", s.chosen}}, lines...)
	}
	if 0 < normed && normed < leastNormed {
		lines = append(lines, MeshLine{"mesh.warning", fmt.Sprintf("a batch norm sees %s of a channel in a micro-batch, fewer than %d make poor statistics: use a larger batch, less data or micro_batches, or another norm",
			count(normed, "value"), leastNormed)})
	}
	return lines, nil
}

// leastNormed is how many values of a channel make statistics for a batch norm.
const leastNormed = 16

// forecast is what the training of a candidate is predicted to take.
type forecast struct {
	*engine.Prediction
	params search.Params
	choice *engine.Choice
	epoch  float64
}

func (f *forecast) lines(built network.Supervised, m *engine.Machine, least float64, meshes map[string]int, drawn int) (out []MeshLine) {
	say := func(key, format string, args ...any) { out = append(out, MeshLine{key, fmt.Sprintf(format, args...)}) }
	if f.choice != nil {
		var parts []string
		for words, n := range meshes {
			parts = append(parts, fmt.Sprintf("%s for %d", words, n))
		}
		slices.Sort(parts)
		say("mesh.chosen", "%s, of %d drawn", strings.Join(parts, "; "), drawn)
		say("mesh.why", "for the longest: %s", f.choice)
	}
	say("mesh.step", "data %d × micro_batches %d = %d micro-batches of at most %d rows (a step %d); %s on %s%s", f.Mesh.Data, f.Mesh.MicroBatches, f.Mesh.Data*f.Mesh.MicroBatches, f.Rows, f.Batch,
		count(f.Lanes, "lane"), count(f.Ranks, "rank"), f.parts())
	b := func(n int64) string { return layout.Bytes(float64(n)) }
	if len(f.Stages) > 0 {
		say("mesh.stages", "%s", stagesText(f.Stages))
	}
	text := fmt.Sprintf("a rank %s: parameters %s, gradients %s, optimizer %s, activations %s", b(f.Memory.Train), b(f.Memory.Params), b(f.Memory.Grads), b(f.Memory.Optimizer), b(f.Memory.Activations))
	if f.Lanes > 1 {
		built.Mesh = engine.Mesh{}
		if one, _, _, err := built.Forecast(f.params); err == nil {
			text += fmt.Sprintf("; one lane alone %s", b(one.Memory.Train))
		}
	}
	say("mesh.memory", "%s", text)
	sent := f.Step.Sent
	if sent.Total() == 0 {
		say("mesh.wire", "a rank sends nothing: its lanes share the memory")
	} else {
		say("mesh.wire", "a rank sends %s a step: gradients %s, parameters %s, tensor %s%s", layout.Bytes(sent.Total()), layout.Bytes(sent.Gradients), layout.Bytes(sent.Parameters), layout.Bytes(sent.Tensor), stagesSent(sent.Stages))
	}
	t := f.Step.Time
	bubble := math.Max(0, math.Round(t.Bubble/t.Step*1e6)*1e-6) // the rest is rounding
	text = fmt.Sprintf("step %s: compute %s, bubble %s (%.1f %%), wire and waiting for other lanes %s, optimizer %s", short(t.Step), short(t.Compute), short(bubble*t.Step), 100*bubble, short(t.Wire), short(t.Optimizer))
	if f.Lanes*f.Ranks > 1 {
		text += fmt.Sprintf("; %.3g × one lane", f.One/t.Step)
	}
	say("mesh.time", "%s", text)
	if f.Ranks > 1 && t.Step > worth*f.One {
		say(MeshWarning, "%s would take %.2f × the time of one: a step is too small for what they send and wait for. Leave ranks out, unless it is for the memory, or use larger batches", count(f.Ranks, "rank"), t.Step/f.One)
	}
	say("mesh.epoch", "%s to %s (%d drawn); by %s", short(least), short(f.epoch), drawn, m.Measured())
	return out
}

// worth is the share of the time of one rank that several may take to be worth it.
const worth = .95

// parts says how the ranks share layers that are cut.
func (f *forecast) parts() string {
	switch {
	case f.Mesh.Tensor < 2:
		return ""
	case f.Parts > 1:
		return fmt.Sprintf(", each with one of %d parts of the layers", f.Parts)
	}
	return fmt.Sprintf(", %d parts of the layers in turn", f.Mesh.Tensor)
}

func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "ch"):
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// short is a time with three digits.
func short(s float64) string {
	switch {
	case s >= 1000:
		return time.Duration(s * float64(time.Second)).Round(time.Second).String()
	case s >= 1:
		return fmt.Sprintf("%.3g s", s)
	case s >= 1e-3:
		return fmt.Sprintf("%.3g ms", 1e3*s)
	}
	return fmt.Sprintf("%.3g µs", math.Max(0, 1e6*s))
}

// stagesText says what each stage of a pipeline has.
func stagesText(stages []engine.StagePlan) string {
	var parts []string
	for i, s := range stages {
		text := fmt.Sprintf("%d from %s to %s", i, s.From, s.To)
		if s.Memory.Train > 0 {
			text += ", a rank " + layout.Bytes(float64(s.Memory.Train))
		}
		parts = append(parts, fmt.Sprintf("%s, %s under way", text, count(s.Copies, "micro-batch")))
	}
	return strings.Join(parts, "; ")
}

// stagesSent says what stages send each other, if there are any.
func stagesSent(bytes float64) string {
	if bytes == 0 {
		return ""
	}
	return ", stages " + layout.Bytes(bytes)
}
