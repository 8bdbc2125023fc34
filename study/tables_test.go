package study

import (
	"fmt"
	"strings"
	"testing"

	"budwood/internal/golden"
	"budwood/search"
	"budwood/trials"
)

// The tables of the pages are those of the code.
func TestPagesGolden(t *testing.T) {
	golden.Tables(t, "../docs/study.md", map[string]string{
		"recipe": hyperparameters(trials.RecipeTable), "network": hyperparameters(NetworkTable), "text": hyperparameters(TextTable),
	})
}

func hyperparameters(table []trials.Hyperparameter) string {
	var b strings.Builder
	b.WriteString("| name | default | values | what |\n|---|---|---|---|\n")
	for _, h := range table {
		def := h.Varies
		if def == "" {
			def = "`" + search.FormatExact(h.Default) + "`"
		}
		values := "`" + strings.Join(h.Options, "`, `") + "`"
		switch h.Default.(type) {
		case float64:
			values = fmt.Sprintf("%s to %s", search.FormatExact(h.Lo), search.FormatExact(h.Hi))
		case int:
			values = fmt.Sprintf("whole, %s to %s", search.FormatExact(h.Lo), search.FormatExact(h.Hi))
		case bool:
			values = "`true`, `false`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", h.Name, def, values, h.Is)
	}
	return b.String()
}
