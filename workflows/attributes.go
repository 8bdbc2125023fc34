package workflows

import (
	"fmt"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"budwood/search"
	"budwood/trials"
)

// The search attributes of studies and trials in the Temporal UI.
var (
	AttrStudy    = temporal.NewSearchAttributeKeyKeyword("BudwoodStudy")
	AttrTrial    = temporal.NewSearchAttributeKeyInt64("BudwoodTrial")
	AttrState    = temporal.NewSearchAttributeKeyKeyword("BudwoodState")
	AttrMetric   = temporal.NewSearchAttributeKeyFloat64("BudwoodMetric")
	AttrEnergyWh = temporal.NewSearchAttributeKeyFloat64("BudwoodEnergyWh")
	AttrBudget   = temporal.NewSearchAttributeKeyInt64("BudwoodBudget")
)

// Attributes lists the search attributes that a server must know.
func Attributes() map[string]enumspb.IndexedValueType {
	return map[string]enumspb.IndexedValueType{
		AttrStudy.GetName():    enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		AttrTrial.GetName():    enumspb.INDEXED_VALUE_TYPE_INT,
		AttrState.GetName():    enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		AttrMetric.GetName():   enumspb.INDEXED_VALUE_TYPE_DOUBLE,
		AttrEnergyWh.GetName(): enumspb.INDEXED_VALUE_TYPE_DOUBLE,
		AttrBudget.GetName():   enumspb.INDEXED_VALUE_TYPE_INT,
	}
}

func studyAttributes(study string) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(AttrStudy.ValueSet(study))
}

func startAttributes(t trials.Task) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		AttrStudy.ValueSet(t.Study), AttrTrial.ValueSet(int64(t.Trial.ID)),
		AttrState.ValueSet(string(search.Running)), AttrBudget.ValueSet(int64(t.From)),
	)
}

func resultAttributes(t trials.Task, r *trials.Result) []temporal.SearchAttributeUpdate {
	out := []temporal.SearchAttributeUpdate{
		AttrState.ValueSet(string(r.State)), AttrBudget.ValueSet(int64(r.Budget)),
	}
	if v, ok := r.Final.Metrics[t.Objectives[0].Metric]; ok {
		out = append(out, AttrMetric.ValueSet(v))
	}
	if v, ok := r.Final.Metrics[trials.EnergyWh]; ok {
		out = append(out, AttrEnergyWh.ValueSet(v))
	}
	return out
}

// trialDetails describes a trial in the Temporal UI, as Markdown.
func trialDetails(t trials.Task) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Trial **%s** of study **%s**, epochs %d→%d of %d, proposed by %s\n\n| param | value |\n|---|---|\n", t.Trial.Name(), t.Study, t.From, t.To, t.Total, t.Trial.Source)
	for _, k := range t.Trial.Params.Names() {
		fmt.Fprintf(&b, "| %s | %s |\n", k, DescribeParams(search.Params{k: t.Trial.Params[k]}))
	}
	return clip(b.String(), 20_000)
}
