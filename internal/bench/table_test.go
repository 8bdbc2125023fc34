package bench

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTableBecomesMarkdown(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "results"), 0o755); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(dir, "a.md")
	if err := os.WriteFile(page, []byte("before\n<!-- table t -->\nold\n<!-- end -->\nafter\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	table := Table{Name: "t", Head: []string{"network", "samples/s", "loss"}}
	table.Add("a | b, c", 1234567, 0.5)
	table.Add("d", 9999, "–")
	if err := Write(dir, table); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(page)
	want := `before
<!-- table t -->
| network | samples/s | loss |
|---|--:|--:|
| a \| b, c | 1,234,567 | 0.5 |
| d | 9999 | – |
<!-- end -->
after
`
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
	again, err := ReadTable(filepath.Join(dir, "results", "t.csv"))
	if err != nil || again.Rows[0][0] != "a | b, c" || again.Rows[0][1] != "1234567" {
		t.Errorf("read %q, %v", again, err)
	}
}

func TestAnotherSeedIsAdded(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "results"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, run := range [][2]int{{1, 10}, {2, 20}, {1, 11}} {
		table := Table{Name: "t", Head: []string{"seed", "trials"}, By: "seed"}
		table.Add(run[0], run[1])
		if err := Write(dir, table); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(filepath.Join(dir, "results", "t.csv"))
	if want := "seed,trials\n2,20\n1,11\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestPageWithoutItsTable(t *testing.T) {
	if _, err := Fill([]byte("<!-- table none -->\n<!-- end -->"), t.TempDir()); err == nil {
		t.Error("no error of a table that is not there")
	}
}

func TestData(t *testing.T) {
	t.Setenv(DataVariable, "")
	if got := Data("bench"); got != "" {
		t.Errorf("without the variable: %q", got)
	}
	t.Setenv(DataVariable, "/somewhere")
	if got := Data("bench", "nas"); got != "/somewhere/bench/nas" {
		t.Errorf("got %q", got)
	}
}
