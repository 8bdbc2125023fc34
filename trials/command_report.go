package trials

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"budwood/search"
)

// The marks of a report among a command's other output. The second is that of
// Syne Tune, so that its training scripts run as they are.
var reportMarks = []string{"budwood: {", "[tune-metric]: {"}

// said is one line that a command reports.
type said struct {
	epoch      int // 0: the next one
	metrics    search.Metrics
	checkpoint bool // the checkpoint directory holds the state after this epoch
	infeasible string
	diverged   string
	done       bool
}

// reportIn returns the JSON of a marked line of output, nil if it has no mark.
func reportIn(line []byte) []byte {
	for _, mark := range reportMarks {
		if i := bytes.Index(line, []byte(mark)); i >= 0 {
			return line[i+len(mark)-1:]
		}
	}
	return nil
}

// parseReport reads a report: a JSON object whose numbers are metrics, but for
// "epoch" and what begins with "st_" (Syne Tune's own). NaN and Infinity, which
// Python writes and JSON does not know, are numbers here.
func parseReport(line []byte) (said, error) {
	var fields map[string]any
	if err := json.Unmarshal(quoteNonFinite(line), &fields); err != nil {
		return said{}, fmt.Errorf("the report %.200q is not a JSON object: %w", line, err)
	}
	s := said{metrics: search.Metrics{}}
	for k, v := range fields {
		switch v := v.(type) {
		case float64:
			switch {
			case k == "epoch":
				if v < 1 || v != math.Trunc(v) || v > 1e9 {
					return said{}, fmt.Errorf("the report %.200q: epoch %v is not a number of epochs done, from 1", line, v)
				}
				s.epoch = int(v)
			case !strings.HasPrefix(k, "st_"):
				s.metrics[k] = v
			}
		case bool:
			switch k {
			case "checkpoint":
				s.checkpoint = v
			case "done":
				s.done = v
			}
		case string:
			switch {
			case k == "infeasible":
				s.infeasible = v
			case k == "diverged":
				s.diverged = v
			case v == "\x00NaN":
				s.metrics[k] = math.NaN()
			case v == "\x00Infinity":
				s.metrics[k] = math.Inf(1)
			case v == "\x00-Infinity":
				s.metrics[k] = math.Inf(-1)
			}
		}
	}
	return s, nil
}

// quoteNonFinite puts NaN, Infinity and -Infinity outside of strings into
// strings that no JSON text of a metric has.
func quoteNonFinite(b []byte) []byte {
	if !bytes.Contains(b, []byte("NaN")) && !bytes.Contains(b, []byte("Infinity")) {
		return b
	}
	var out []byte
	inString := false
	for i := 0; i < len(b); i++ {
		if inString {
			out = append(out, b[i])
			switch {
			case b[i] == '\\' && i+1 < len(b):
				i++
				out = append(out, b[i])
			case b[i] == '"':
				inString = false
			}
			continue
		}
		matched := false
		for _, word := range []string{"NaN", "-Infinity", "Infinity"} {
			if bytes.HasPrefix(b[i:], []byte(word)) {
				out = append(out, `"\u0000`...)
				out = append(out, word...)
				out = append(out, '"')
				i += len(word) - 1
				matched = true
				break
			}
		}
		if !matched {
			inString = b[i] == '"'
			out = append(out, b[i])
		}
	}
	return out
}
