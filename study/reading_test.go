package study

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"budwood/data"
)

// The keys of how a table is understood, and what is wrong with them, have their places.
func TestReadingKeys(t *testing.T) {
	with := func(keys string) string { return strings.Replace(goodFile, "target: y,", "target: y, "+keys+",", 1) }
	path := writeStudy(t, with(`columns: {a: category, b: ignore}, separator: ",", decimal: ".", missing: [-999, "n. b."]`))
	s, d, err := Load(context.Background(), path, &data.Cache{}, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Data.Reading != data.Newest || len(d.Columns) != 1 || d.Columns[0].Kind != data.Categorical || s.Data.Missing[0] != "-999" {
		t.Errorf("%+v %+v", s.Data, d.Columns)
	}
	for keys, want := range map[string]string{
		`columns: {a: nmber}`:                      `study.yaml:2:46: data.columns.a: "nmber" is none of number, category, date, text, id, ignore; did you mean number?`,
		`columns: {aa: number}`:                    `study.yaml:2:47: data.columns.aa: read `,
		`seperator: ","`:                           `study.yaml:2:33: unknown key "seperator" (did you mean "separator"?)`,
		`separator: ":"`:                           `study.yaml:2:44: data.separator: ":" is none of , ; | and tab`,
		`decimal: ";"`:                             `study.yaml:2:42: data.decimal: ";" is neither . nor ,`,
		`missing: []`:                              `study.yaml:2:33: data.missing: [] sets nothing: write another value, or leave the key out, which means the usual spellings alone`,
		`test: other.csv`:                          `data.split.test: leave it out; the test part is `,
		`columns: {a: 3}`:                          `data.columns.a: "3" is none of number`,
		`ignore: [b], columns: {b: date}, rows: 0`: `data.rows: 0 sets nothing`,
	} {
		_, _, err := Load(context.Background(), writeStudy(t, with(keys)), &data.Cache{}, FileOptions{})
		var e *FileError
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &e) || e.Line == 0 {
			t.Errorf("%s: %v\nwant %s", keys, err, want)
		}
	}
}

// Split test 0 means 0.
func TestNoTestPart(t *testing.T) {
	s, d, err := Load(context.Background(), writeStudy(t, strings.Replace(goodFile, "test: 0.25", "test: 0", 1)), &data.Cache{}, FileOptions{})
	if err != nil || d.Test != nil || d.Train.Len() != 30 || !s.Data.Split.NoTest {
		t.Errorf("%v %+v", err, s)
	}
}

// A study that was stored before goes on reading as it did.
func TestReadAsBefore(t *testing.T) {
	path := writeStudy(t, goodFile)
	s, _, err := Load(context.Background(), path, &data.Cache{}, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	old := *s
	d := *s.Data
	d.Reading = 0
	old.Data = &d
	stored, _ := json.Marshal(old)
	if strings.Contains(string(stored), "reading") {
		t.Errorf("%s", stored)
	}
	if err := CanContinue(stored, s); err == nil || !strings.Contains(err.Error(), "understands its table in another way") {
		t.Error(err)
	}
	if !s.ReadAsBefore(stored) || s.Data.Reading != 0 || s.ReadAsBefore(stored) {
		t.Errorf("%+v", s.Data)
	}
	if err := CanContinue(stored, s); err != nil {
		t.Error(err)
	}
}
