package energy

import (
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Power is what one busy core is assumed to draw where nothing is measured.
type Power struct {
	PerCore float64 // in watts, for a core that is busy all the time; 0 means 12
	Source  string  // where the figure comes from, in words
}

// WattsPerCore is the environment variable by which a user who knows better
// sets [Power.PerCore].
const WattsPerCore = "BUDWOOD_WATTS_PER_CORE"

// Published values for processors that are not in the table or do not tell the
// number of their cores (as in most virtual machines): Green Algorithms
// (Lannelongue et al. 2021, table of TDP per core) gives 12 W for any core; the
// median of its EPYC, Xeon Gold and Xeon Platinum rows is 6.6 W.
const (
	anyCore    = 12.0
	serverCore = 6.6
)

// An estimate is wrong by up to half: on four processors with counters the power
// under full load was 0.57 to 1.38 times the TDP. The factor 0.5 is also
// the case of two busy threads on one core.
const (
	estimateLow  = 0.5
	estimateHigh = 1.5
)

// tdp holds "name,watts" lines: the rows of AMD EPYC and Ryzen, Intel Xeon and
// Core in cpu_power.csv of github.com/mlco2/codecarbon (MIT, see
// LICENSE-codecarbon).
//
//go:embed tdp.csv
var tdp string

// CorePower finds out what a core of this machine draws: from the environment
// variable [WattsPerCore] if it is set (getenv is usually os.Getenv), else from
// the processor's TDP and cores, else a published average. The error says that
// the variable is no positive number.
func CorePower(getenv func(string) string) (Power, error) {
	if s := getenv(WattsPerCore); s != "" {
		w, err := strconv.ParseFloat(s, 64)
		if err != nil || !(w > 0) || w > 1000 {
			return Power{}, fmt.Errorf("%s=%q: it must be a number of watts between 0 and 1000", WattsPerCore, s)
		}
		return Power{w, WattsPerCore}, nil
	}
	return corePower(thisCPU()), nil
}

// cpu is what the system tells about the processor.
type cpu struct {
	model string // as in /proc/cpuinfo
	cores int    // of one processor; 0: not known
}

func corePower(c cpu) Power {
	if c.model == "" {
		return Power{}.orDefault()
	}
	cores := c.cores
	if m := coresInName.FindStringSubmatch(c.model); m != nil {
		cores, _ = strconv.Atoi(m[1])
	}
	watts := lookUp(c.model)
	switch {
	case watts > 0 && cores > 0:
		return Power{watts / float64(cores), fmt.Sprintf("TDP %g W of %s, %d cores", watts, c.model, cores)}
	case strings.Contains(c.model, "EPYC") || strings.Contains(c.model, "Xeon"):
		return Power{serverCore, fmt.Sprintf("the median server core, as %q does not tell its TDP and cores", c.model)}
	}
	return Power{anyCore, fmt.Sprintf("an average core, as %q does not tell its TDP and cores", c.model)}
}

func (p Power) orDefault() Power {
	if p.PerCore == 0 {
		p.PerCore = anyCore
		if p.Source == "" {
			p.Source = "an average core"
		}
	}
	return p
}

// estimate is the energy of CPU time, in seconds.
func (p Power) estimate(seconds float64) Energy {
	j := p.PerCore * seconds
	return Energy{Joules: j, Method: Estimated, Low: estimateLow * j, High: estimateHigh * j}
}

var (
	coresInName = regexp.MustCompile(`\b(\d+)-Core\b`)
	noise       = regexp.MustCompile(`\((R|TM|r|tm)\)|@.*|\bCPU\b|\bProcessor\b|\b\d+-Core\b|\bwith .*|\bw/ .*|^\d+th Gen `)
)

// lookUp is the TDP of a processor in watts, 0 if the table does not have it.
func lookUp(model string) float64 {
	want := plainModel(model)
	for line := range strings.Lines(tdp) {
		name, watts, ok := strings.Cut(strings.TrimSpace(line), ",")
		if ok && strings.EqualFold(name, want) {
			w, _ := strconv.ParseFloat(watts, 64)
			return w
		}
	}
	return 0
}

// plainModel reduces "Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz" to
// "Intel Xeon Gold 6148".
func plainModel(model string) string {
	return strings.Join(strings.Fields(noise.ReplaceAllString(model, " ")), " ")
}
