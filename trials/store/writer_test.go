package store

import (
	"context"
	"database/sql"
	"errors"
	"testing"
)

// Of changes that are committed together, one that fails takes back what it did
// itself and nothing else.
func TestFailedChangeInABatch(t *testing.T) {
	s := tempStore(t)
	insert := func(name string, fail error) func(*writer) error {
		return func(w *writer) error {
			err := w.exec(`INSERT INTO studies (name, space, objectives, state, created) VALUES (?, '[]', '[]', 'running', 0)`, name)
			return errors.Join(err, fail)
		}
	}
	bad := errors.New("bad")
	changes := []func(*writer) error{insert("a", nil), insert("b", bad), insert("c", nil), insert("a", nil)}
	var jobs []job
	var answers []chan error
	for _, f := range changes {
		answer := make(chan error, 1)
		jobs, answers = append(jobs, job{f, answer}), append(answers, answer)
	}
	if err := s.writer.stop(); err != nil { // the test takes its place
		t.Fatal(err)
	}
	conn, err := s.write.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{conn: conn, statements: map[string]*sql.Stmt{}}
	w.commit(jobs)
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if s.writer, err = startWriter(t.Context(), s.write); err != nil {
		t.Fatal(err)
	}
	var got []error
	for _, a := range answers {
		got = append(got, <-a)
	}
	if got[1] == nil || !errors.Is(got[1], bad) {
		t.Errorf("the failed change got %v", got[1])
	}
	if got[2] != nil {
		t.Errorf("its neighbour got %v", got[2])
	}
	if got[0] != nil || got[3] == nil {
		t.Errorf("the first study of a name got %v, the second %v", got[0], got[3])
	}
	names, err := texts(t.Context(), s.read, "SELECT name FROM studies ORDER BY name")
	if err != nil || len(names) != 2 || names[0] != "a" || names[1] != "c" {
		t.Errorf("%v, want a and c (%v)", names, err)
	}
}

func TestCancelledWrite(t *testing.T) {
	s := tempStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Begin(ctx, testStudy("digits")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := s.Note(ctx, "digits", "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	begin(t, s, "digits", 1) // the store goes on
}
