package study

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"budwood/internal/golden"
	"budwood/learn/network"
	"budwood/search"
)

// The tables of the pages are those of the code.
func TestPagesGolden(t *testing.T) {
	golden.Tables(t, "../docs/study.md", map[string]string{
		"recipe": hyperparameters(network.RecipeTable), "network": hyperparameters(NetworkTable), "text": hyperparameters(TextTable), "learners": hyperparameters(LearnerTable),
		"search": settings(true), "budget": settings(false), "metrics": metrics(),
	})
	golden.Tables(t, "../docs/samplers.md", map[string]string{
		"samplers": methods(Samplers, "several objectives", "weighs costs"), "architecture-samplers": methods(ArchitectureSamplers, "several objectives", "may inherit"),
		"schedulers": methods(Schedulers, "several objectives", "keys"),
	})
}

// Every row of the tables is whole, and each name is there once.
func TestTablesAreWhole(t *testing.T) {
	for name, table := range map[string]Methods{"sampler": Samplers, "architecture sampler": ArchitectureSamplers, "scheduler": Schedulers} {
		seen := map[string]bool{}
		for _, m := range table {
			for _, n := range append([]string{m.Name}, m.Aliases...) {
				if seen[n] {
					t.Errorf("%s %s is there twice", name, n)
				}
				seen[n] = true
			}
			if m.Is == "" || m.When == "" || (m.sampler == nil) == (m.scheduler == nil) {
				t.Errorf("%s %s is not whole", name, m.Name)
			}
			for _, k := range m.Keys {
				setting(k) // or a panic
			}
		}
	}
	for _, m := range Metrics {
		if m.Is == "" || m.Goal == "" {
			t.Errorf("metric %s is not whole", m.Name)
		}
	}
	for _, s := range network.ScoreNames() {
		if m, ok := metric("valid_" + s); !ok || m.Of == "" {
			t.Errorf("the score %s is no metric", s)
		}
	}
	for _, h := range slices.Concat(network.RecipeTable, NetworkTable, TextTable, LearnerTable) {
		if h.Is == "" || h.Default == nil {
			t.Errorf("hyperparameter %s is not whole", h.Name)
		}
		if _, text := h.Default.(string); text != (len(h.Options) > 0) {
			t.Errorf("hyperparameter %s has the options %q", h.Name, h.Options)
		}
	}
}

// The SDK's comments name every method and no other.
func TestFieldsNameTheMethods(t *testing.T) {
	b, err := os.ReadFile("../budwood.go")
	if err != nil {
		t.Fatal(err)
	}
	for field, table := range map[string]Methods{"Sampler": Samplers, "Scheduler": Schedulers} {
		comment := regexp.MustCompile(`(?s)\t// ` + field + ` is a name \(([^)]*)\)`).FindSubmatch(b)
		if comment == nil {
			t.Errorf("budwood.go: the comment of %s lists no names", field)
			continue
		}
		text := regexp.MustCompile(`\s*//\s*|\s+`).ReplaceAllString(string(comment[1]), " ")
		if got, want := strings.Replace(text, ", the default", "", 1), strings.Join(table.Names(), ", "); got != want {
			t.Errorf("budwood.go: %s is one of %s, and its comment says %s", field, want, got)
		}
	}
}

// An alias is another word for a method, and is not what a study keeps.
func TestAliases(t *testing.T) {
	s := &Spec{Name: "s", Space: search.Space{search.Float("x", 0, 1)}, Search: Search{Sampler: "halton", Scheduler: "successive_halving"}}
	if err := s.Complete(); err != nil || s.Search.Sampler != "quasi" || s.Search.Scheduler != "halving" {
		t.Errorf("%s, %s, %v", s.Search.Sampler, s.Search.Scheduler, err)
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func methods(table Methods, columns ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| name | what it does | choose it when | %s |\n|---|---|---|---|---|\n", strings.Join(columns, " | "))
	for _, m := range table {
		name := "`" + m.Name + "`"
		for _, a := range m.Aliases {
			name += ", `" + a + "`"
		}
		last := yes(m.Costs || m.Derives)
		if m.scheduler != nil && len(m.Keys) > 0 {
			last = "`" + strings.ReplaceAll(strings.Join(m.Keys, "`, `"), "search.", "") + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", name, m.Is, m.When, yes(m.Several), last)
	}
	return b.String()
}

func metrics() string {
	var b strings.Builder
	b.WriteString("| metric | goal | data with | what |\n|---|---|---|---|\n")
	for _, m := range Metrics {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, m.Goal, m.Of, m.Is)
	}
	return b.String()
}

// settings are those of search, or all others.
func settings(ofSearch bool) string {
	var b strings.Builder
	b.WriteString("| key | default | range | what |\n|---|---|---|---|\n")
	for _, s := range Settings {
		key, isSearch := strings.CutPrefix(s.Key, "search.")
		if isSearch != ofSearch {
			continue
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", key, cmp.Or(s.Varies, search.FormatExact(s.Default)), s.Values(), s.Is)
	}
	return b.String()
}

func hyperparameters(table []network.Hyperparameter) string {
	var b strings.Builder
	b.WriteString("| name | default | values | what |\n|---|---|---|---|\n")
	for _, h := range table {
		def := h.Varies
		if def == "" {
			def = "`" + search.FormatExact(h.Default) + "`"
		}
		values := h.Values()
		if h.Options != nil {
			values = "`" + strings.ReplaceAll(values, ", ", "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", h.Name, def, values, h.Is)
	}
	return b.String()
}
