package kernel

import (
	"fmt"
	"os"
	"runtime"
)

// level is the instruction set that the kernels use.
type level int

const (
	generic level = iota // plain Go
	avx2                 // with FMA
	avx512               // F, DQ, BW and VL
)

var levels = []string{"generic", "avx2", "avx512"}

func (l level) String() string { return levels[l] }

// use is the level in use: best, chosen once when the program starts, except for
// work that has entered a room of another one.
var use, errCPU = choose(os.Getenv("ENGINE_CPU"), detect())

// best is the best level of the processor, or the one that ENGINE_CPU names.
var best = use

func choose(wanted string, best level) (level, error) {
	if wanted == "" {
		return best, nil
	}
	for i, name := range levels {
		if wanted != name {
			continue
		}
		if level(i) > best {
			return best, fmt.Errorf("ENGINE_CPU=%s: this processor has only %v", wanted, best)
		}
		return level(i), nil
	}
	return best, fmt.Errorf("ENGINE_CPU=%s: is none of %v", wanted, levels)
}

// CPU is the best instruction set here, "generic", "avx2" or "avx512", and what is
// wrong with the environment variable ENGINE_CPU, which can ask for a lesser one.
func CPU() (string, error) { return best.String(), errCPU }

// Level is an instruction set on which the last bits of results depend. The zero
// value is the best one here.
type Level struct {
	plain bool // without the instructions for bfloat16
	set   level
	given bool
}

// words is what a level's name ends with if products in bfloat16 use instructions
// for it. Other products are the same with and without.
const words = "+bf16"

// LevelOf is the level of a name, "generic", "avx2", "avx512" or "avx512+bf16", for
// products in bfloat16 or without; ok is false if this machine, or ENGINE_CPU, does
// not have it.
func LevelOf(name string, bfloat16 bool) (l Level, ok bool) {
	for set := generic; set <= best; set++ {
		switch name {
		case nameOf(set):
			return Level{bfloat16, set, true}, true
		case nameOf(set) + words:
			return Level{false, set, true}, set == avx512 && bf16Instructions
		}
	}
	return Level{}, false
}

// Has reports whether this machine, and ENGINE_CPU, has the level of a name.
func Has(name string) bool {
	_, ok := LevelOf(name, true)
	return ok
}

// Best is the name of the best level here, for networks with products in bfloat16
// or without.
func Best(bfloat16 bool) string {
	if bfloat16 && best == avx512 && bf16Instructions {
		return nameOf(best) + words
	}
	return nameOf(best)
}

// nameOf tells plain Go of other processors apart: their compilers round
// differently.
func nameOf(l level) string {
	if l == generic && runtime.GOARCH != "amd64" {
		return l.String() + "-" + runtime.GOARCH
	}
	return l.String()
}
