package engine

import (
	"fmt"
	"math"
	"slices"
	"time"

	"budwood/engine/layout"
)

// Machine is how fast this engine computes on a machine: what predictions of time are
// made from. Package calibrate measures one.
type Machine struct {
	Name  string    `json:"name"`          // such as "avx512, 2 processors"
	Date  time.Time `json:"date,omitzero"` // when it was measured; zero: it is the built-in one
	Cores int       `json:"cores"`         // that compute at the same time

	Peak   float64 `json:"peak"`   // operations a second of a core, on registers alone
	Widths []Width `json:"widths"` // what large products reach, by their width
	Memory float64 `json:"memory"` // bytes a second that a core moves from and to memory
	Links  []Wire  `json:"links"`  // between ranks

	Each  Work    `json:"each"`           // seconds that one of each kind of work takes
	Infer Work    `json:"infer,omitzero"` // the same in inference, of many rows at once; zero: as in training
	One   Work    `json:"one,omitzero"`   // the same of single rows
	Int8  Work    `json:"int8,omitzero"`  // the same of networks in integers of 8 bits; zero: the built-in ones
	Step  float64 `json:"step"`           // seconds of a byte that the optimizer reads or writes
	BF16  float64 `json:"bf16"`           // time of a bfloat16 product in that of one in float32
	FP16  float64 `json:"fp16"`           // the same of float16

	Busy  bool    `json:"busy,omitempty"` // other programs took the processors: the two numbers that follow are the built-in ones
	Meet  float64 `json:"meet"`           // seconds of a step in which lanes wait for each other
	Crowd float64 `json:"crowd"`          // share by which many lanes are slower than one; two by half of that
}

// Width is the speed of products so many columns wide.
type Width struct {
	Columns int     `json:"columns"`
	FLOPS   float64 `json:"flops"` // operations a second of a core
}

// Wire is a link between two ranks.
type Wire struct {
	Name    string  `json:"name"`    // lanes, unix or tcp
	Rate    float64 `json:"rate"`    // bytes a second, one way
	Latency float64 `json:"latency"` // seconds of a small message
}

// Measured says where the numbers come from, in a few words.
func (m *Machine) Measured() string {
	if m.Date.IsZero() {
		return "built-in numbers of another machine: measure this one with budwood doctor --calibrate"
	}
	return fmt.Sprintf("measured on %s, %s", m.Date.Format(time.DateOnly), m.Name)
}

// Validate is an error for numbers that no machine has.
func (m *Machine) Validate() error {
	if m.Cores < 1 || !(m.Peak > 0) || !(m.Memory > 0) || !(m.Step > 0) || !(m.BF16 > 0) || !(m.FP16 > 0) || !(m.Meet >= 0) || !(m.Crowd >= 0) {
		return fmt.Errorf("the machine %q has an amount of nothing", m.Name)
	}
	sum := 0.
	for _, x := range append(slices.Concat(m.Each.Kinds(), m.Infer.Kinds(), m.One.Kinds(), m.Int8.Kinds()), m.Peak, m.Memory, m.Step, m.BF16, m.FP16, m.Meet, m.Crowd) {
		if !(x >= 0) || math.IsInf(x, 0) {
			return fmt.Errorf("the machine %q has an amount below 0 or none at all", m.Name)
		}
		sum += x
	}
	if m.Each.Products == 0 {
		return fmt.Errorf("the machine %q takes no time for products", m.Name)
	}
	return nil
}

// wire is a link by its name; nothing is waited for where there is none.
func (m *Machine) wire(name string) Wire {
	for _, w := range m.Links {
		if w.Name == name {
			return w
		}
	}
	return Wire{Name: name, Rate: math.Inf(1)}
}

// seconds is how long work takes in a precision.
func (m *Machine) seconds(w Work, p Precision) float64 {
	switch p {
	case BF16:
		w.Products *= m.BF16
	case FP16:
		w.Products *= m.FP16
	}
	return max(w.Time(m.Each), 0)
}

// someRows is the fewest rows at once for which products are as those of many.
const someRows = 8

// inference is how long the work of an inference takes in a precision.
func (m *Machine) inference(w Work, rows int, p Precision) float64 {
	if m.Infer == (Work{}) || m.One == (Work{}) {
		w.Functions, w.Bytes = w.Functions+w.Exps, w.Bytes+8*w.Norms
		return m.seconds(w, p)
	}
	own := *m
	if own.Each = m.Infer; rows < someRows {
		own.Each = m.One
	}
	return own.seconds(w, p)
}

// Integers is how long work in integers of 8 bits takes.
func (m *Machine) Integers(w Work) float64 {
	if m.Int8 == (Work{}) {
		return w.Time(builtIn.Int8)
	}
	return w.Time(m.Int8)
}

// cluster is the machine for so many processes of so many lanes.
func (m *Machine) cluster(ranks, lanes int) layout.Cluster {
	return layout.Cluster{Nodes: 1, PerNode: ranks * lanes, FLOPS: m.Peak, Memory: mostMemory, Bandwidth: 1 / m.Step, Inside: m.wire("unix").Rate, Between: m.wire("tcp").Rate,
		Threads: lanes, Meet: m.Meet, Crowd: m.Crowd}
}

// mostMemory is more bytes than any machine has: what fits is decided elsewhere.
const mostMemory = 1e18

// BuiltIn is the machine that predictions are made for where none is measured: training on a
// core of an AMD EPYC of 2022, inference on one of 2025 with AVX-512.
func BuiltIn() *Machine { m := builtIn; return &m }

var builtIn = Machine{
	Name: "avx2, 2 processors", Cores: 2, Peak: 96e9, Memory: 60e9,
	Widths: []Width{{8, 65e9}, {16, 91e9}, {32, 91e9}, {64, 90e9}, {128, 88e9}, {256, 88e9}, {512, 88e9}},
	Links:  []Wire{{"lanes", 34e9, 0}, {"unix", 5.0e9, 8e-6}, {"tcp", 4.4e9, 12e-6}},
	Each: Work{Products: 11.2e-12, Far: 3.2e-12, Outputs: 85e-12, Operands: 8e-12, Calls: 80e-9, Bytes: 7.8e-12, Functions: 2.0e-9, Singles: 9e-9,
		Rows: 15e-12, Losses: 2.2e-6},
	Infer: Work{Products: 4.1e-12, Far: .1e-12, Outputs: 35e-12, Operands: 3e-12, Calls: 18e-9, Bytes: 13e-12, Functions: 150e-12, Singles: 950e-12, Exps: 2.3e-9, Norms: 2.3e-9, Packs: 100e-12, Passes: 100e-9},
	One:   Work{Products: 3.2e-12, Far: 5.5e-12, Operands: 17e-12, Calls: 9e-9, Bytes: 18e-12, Functions: 250e-12, Singles: 360e-12, Ops: 28e-9, Exps: 1.3e-9, Norms: 2e-9, Passes: 200e-9},
	Int8:  Work{Products: 1.1e-12, Outputs: 50e-12, Calls: 30e-9, Bytes: 50e-12, Functions: 900e-12, Singles: 75e-12, Ops: 900e-9},
	Step:  13.2e-12, BF16: 1.55, FP16: 2.24, Meet: 60e-6, Crowd: .1,
}
