package kernel

import (
	"fmt"
	"os"
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

// use is the level in use, chosen once when the program starts: the best one of
// the processor, or the one that ENGINE_CPU names.
var use, errCPU = choose(os.Getenv("ENGINE_CPU"), detect())

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

// CPU is the instruction set in use, "generic", "avx2" or "avx512", and what is
// wrong with the environment variable ENGINE_CPU, which can ask for one.
func CPU() (string, error) { return use.String(), errCPU }
