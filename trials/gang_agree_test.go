package trials

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"budwood/engine"
	"budwood/engine/mesh"
	"budwood/search"
	"budwood/trials/segment"
)

// Where one rank cannot train a candidate, all of them end with its words; where all can,
// they go on.
func TestRanksAgree(t *testing.T) {
	for _, c := range []struct {
		wrong []int // ranks with an error
		want  string
	}{{nil, ""}, {[]int{1}, "infeasible: rank 1 on host/1: " + strings.Repeat("ö", 400)}, {[]int{2, 1}, "infeasible: rank 1 on host/1: "}, {[]int{0, 1, 2}, "infeasible: rank 0 on host/0: "}} {
		const n = 3
		lanes := mesh.Local(n)
		var results [n]segment.Result
		var errs [n]error
		done := make(chan int)
		for rank := range n {
			r := testRunner(t)
			r.Name = fmt.Sprint("host/", rank)
			go func() {
				results[rank], errs[rank] = r.RunIn(t.Context(), &engine.World{Link: lanes[rank], Ranks: n}, testTask(0, 1), func(_ context.Context, tr *Trial) error {
					var own error
					for _, k := range c.wrong {
						if k == rank {
							own = errors.New(strings.Repeat("ö", 1000))
						}
					}
					said, err := tr.Agree(own)
					switch {
					case err != nil:
						return err
					case said != nil:
						return fmt.Errorf("%w: %w", ErrInfeasible, said)
					}
					for range tr.Epochs() {
						tr.Report(1)
					}
					return nil
				}, nil)
				done <- rank
			}()
		}
		for range n {
			<-done
		}
		for rank, r := range results {
			if errs[rank] != nil || (r.State == search.Infeasible) != (c.want != "") || c.want != "" && !strings.HasPrefix(r.Reason, c.want) {
				t.Errorf("errors of %v: rank %d is %s: %.60s, %v", c.wrong, rank, r.State, r.Reason, errs[rank])
			}
		}
	}
}

// Without a gang there is nobody to agree with.
func TestAgreeAlone(t *testing.T) {
	mustRun(t, testRunner(t), testTask(0, 1), func(_ context.Context, tr *Trial) error {
		if said, err := tr.Agree(ErrInfeasible); said != ErrInfeasible || err != nil {
			t.Errorf("%v, %v", said, err)
		}
		for range tr.Epochs() {
			tr.Report(1)
		}
		return nil
	})
}
