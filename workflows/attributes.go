package workflows

import (
	"fmt"
	"math"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"budwood/search"
	"budwood/study"
	"budwood/trials"
	"budwood/trials/segment"
)

// The search attributes of studies and trials in the Temporal UI.
var (
	attrStudy    = temporal.NewSearchAttributeKeyKeyword("BudwoodStudy")
	attrTrial    = temporal.NewSearchAttributeKeyInt64("BudwoodTrial")
	attrState    = temporal.NewSearchAttributeKeyKeyword("BudwoodState")
	attrMetric   = temporal.NewSearchAttributeKeyFloat64("BudwoodMetric")
	attrEnergyWh = temporal.NewSearchAttributeKeyFloat64("BudwoodEnergyWh")
	attrBudget   = temporal.NewSearchAttributeKeyInt64("BudwoodBudget")
	attrNeeds    = temporal.NewSearchAttributeKeyKeyword("BudwoodNeeds") // of a study whose trials need special workers
	attrWaits    = temporal.NewSearchAttributeKeyKeyword("BudwoodWaits") // of a gang that has waited long: its priority, and the task queue that it waits for
)

// Attributes lists the search attributes that a server must know.
func Attributes() map[string]enumspb.IndexedValueType {
	return map[string]enumspb.IndexedValueType{
		attrStudy.GetName():    enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		attrTrial.GetName():    enumspb.INDEXED_VALUE_TYPE_INT,
		attrState.GetName():    enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		attrMetric.GetName():   enumspb.INDEXED_VALUE_TYPE_DOUBLE,
		attrEnergyWh.GetName(): enumspb.INDEXED_VALUE_TYPE_DOUBLE,
		attrBudget.GetName():   enumspb.INDEXED_VALUE_TYPE_INT,
		attrNeeds.GetName():    enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		attrWaits.GetName():    enumspb.INDEXED_VALUE_TYPE_KEYWORD,
	}
}

func studyAttributes(s *study.Spec) temporal.SearchAttributes {
	out := []temporal.SearchAttributeUpdate{attrStudy.ValueSet(s.Name)}
	if class := s.Resources.Class(); class != "" {
		out = append(out, attrNeeds.ValueSet(class))
	}
	return temporal.NewSearchAttributes(out...)
}

// needsOf reads the needs off a listed study.
func needsOf(a *commonpb.SearchAttributes) (class string, err error) {
	p := a.GetIndexedFields()[attrNeeds.GetName()]
	if p == nil {
		return "", nil
	}
	err = converter.GetDefaultDataConverter().FromPayload(p, &class)
	return class, err
}

func startAttributes(t trials.Task) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		attrStudy.ValueSet(t.Study), attrTrial.ValueSet(int64(t.Trial.ID)),
		attrState.ValueSet(string(search.Running)), attrBudget.ValueSet(int64(t.From)),
	)
}

// resultAttributes say how the segments of a trial workflow ended: the state
// they share, and of several trials the best value and all the energy.
func resultAttributes(tasks []trials.Task, results []segment.Result) []temporal.SearchAttributeUpdate {
	o := tasks[0].Objectives[0]
	state, budget, best, wh := string(results[0].State), 0, math.NaN(), math.NaN()
	for i := range results {
		r := &results[i]
		if string(r.State) != state {
			state = "mixed"
		}
		budget = max(budget, r.Budget)
		if v, ok := r.Final.Metrics[o.Metric]; ok && o.Goal.Better(v, best) {
			best = v
		}
		if v, ok := r.Final.Metrics[trials.EnergyWh]; ok && math.IsNaN(wh) {
			wh = v
		} else if ok {
			wh += v
		}
	}
	out := []temporal.SearchAttributeUpdate{attrState.ValueSet(state), attrBudget.ValueSet(int64(budget))}
	if !math.IsNaN(best) {
		out = append(out, attrMetric.ValueSet(best))
	}
	if !math.IsNaN(wh) {
		out = append(out, attrEnergyWh.ValueSet(wh))
	}
	return out
}

// trialDetails describes the segments of a trial workflow in the Temporal UI,
// as Markdown: a table of the trial's params, or of the trials.
func trialDetails(tasks []trials.Task) string {
	t := tasks[0]
	var b strings.Builder
	if len(tasks) > 1 {
		fmt.Fprintf(&b, "%d trials of study **%s**\n\n| trial | epochs | params |\n|---|---|---|\n", len(tasks), t.Study)
		for _, t := range tasks {
			fmt.Fprintf(&b, "| %s | %d→%d | %s |\n", t.Trial.Name(), t.From, t.To, search.Clip(study.DescribeParams(t.Trial.Params), 300))
		}
		return search.Clip(b.String(), 20_000)
	}
	fmt.Fprintf(&b, "Trial **%s** of study **%s**, epochs %d→%d of %d, proposed by %s\n\n| param | value |\n|---|---|\n", t.Trial.Name(), t.Study, t.From, t.To, t.Total, t.Trial.Source)
	for _, k := range t.Trial.Params.Names() {
		fmt.Fprintf(&b, "| %s | %s |\n", k, study.DescribeParams(search.Params{k: t.Trial.Params[k]}))
	}
	return search.Clip(b.String(), 20_000)
}
