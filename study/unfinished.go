package study

import (
	"fmt"
	"math"
	"strings"
	"time"

	"budwood/search"
	"budwood/trials/store"
)

// Unfinished says that the best trial of a study which has ended was never trained
// to the end, though nothing spoke against it, and how to go on; "" if it was. took
// is how long the study has run.
func (s *Spec) Unfinished(study *store.Study, best *search.Record, took time.Duration) string {
	full, epochs := s.Budget.Epochs, best.Epochs()
	if strings.HasPrefix(best.Source, retrainSource) {
		full = s.Retrain.Epochs
	}
	switch {
	case study.State == store.StudyRunning, best.State == search.Completed, epochs >= full, epochs == 0:
		return ""
	case s.Search.Scheduler == "plateau" && best.State == search.Stopped && !strings.HasSuffix(best.Reason, "the study ended"):
		return "" // it did not improve any more
	}
	flag := ""
	share := float64(full-epochs) / float64(epochs) // of what it has cost
	switch {
	case s.Budget.Time > 0 && strings.Contains(study.Reason, "time budget"):
		more := time.Duration(1.5 * share * best.Seconds * float64(time.Second))
		flag = " --time " + roundUp(max(took, time.Duration(s.Budget.Time))+more)
	case s.Budget.EnergyWh > 0 && strings.Contains(study.Reason, "energy budget"):
		more := 1.5 * share * best.Joules / 3600
		flag = " --energy-wh " + search.FormatNumber(ceil(s.Budget.EnergyWh+more))
	case study.State == store.StudyCompleted:
		flag = fmt.Sprintf(" --trials %d", s.Budget.Trials+max(s.Budget.Trials/2, 1))
	}
	how := "budwood run FILE" + flag + ", with its study file"
	if s.Data == nil && s.Command == nil {
		how = "run its program again, with a larger budget if one was spent"
	}
	return fmt.Sprintf("%s was trained for %d of %d epochs only, for the study ended first; to go on: %s", best.Name(), epochs, full, how)
}

// roundUp is a duration of at most two digits that is no shorter, such as 25s or
// 1h40m.
func roundUp(d time.Duration) string {
	unit := time.Second
	switch {
	case d > time.Hour:
		unit = 10 * time.Minute
	case d > 10*time.Minute:
		unit = time.Minute
	case d > time.Minute:
		unit = 10 * time.Second
	}
	d = (d + unit - 1) / unit * unit
	out := d.String()
	if strings.HasSuffix(out, "m0s") {
		out = strings.TrimSuffix(out, "0s")
	}
	if strings.HasSuffix(out, "h0m") {
		out = strings.TrimSuffix(out, "0m")
	}
	return out
}

// ceil is a number of two digits that is no smaller.
func ceil(x float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	return math.Ceil(x/unit) * unit
}
