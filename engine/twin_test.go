package engine

import (
	"math"
	"slices"
	"testing"
	"time"

	"budwood/data"
	"budwood/engine/crew"
	"budwood/engine/loss"
)

// slowly reads rows so slowly that helpers come.
type slowly struct {
	*data.Set
	size int
}

func (s slowly) Read(x []float32, row int) {
	time.Sleep(20 * time.Microsecond)
	copy(x, s.X[row*s.size:])
}

// Scores and outputs have the same bits whether idle cores compute some of the batches or
// not, for every layer, for averaged weights, and after the network was planned anew.
func TestIdleCoresScoreAlike(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	images, numbers := blobs(data.Shape{8, 8, 2}, 4, 150), curve(150)
	slow := func(s *data.Set) *data.Set {
		c := *s
		c.Rows, c.X = slowly{s, s.Shape.Size()}, nil
		return &c
	}
	type result struct {
		score Score
		bits  []uint32
	}
	layers := map[string]Layer{"regression": Seq{Dense{Out: 16}, BatchNorm{}, GELU{}, Dense{Out: 2}}}
	for _, k := range kinds {
		layers[k.name] = k.layer
	}
	for name, l := range layers {
		s, cfg := images, Config{Batch: 7, Seed: 3}
		if name == "regression" {
			s, cfg.Loss = numbers, loss.MSE{}
		}
		run := func(idle *crew.Team) (out []result) {
			m := always(Mesh{Idle: idle})
			if len(name)%2 == 0 {
				m.Recompute = "blocks"
			}
			tr := mustTrain(t, mustCompile(t, l, s.Shape, cfg), TrainConfig{Seed: 1, EMA: float64(len(name)%3) * .4, Mesh: m})
			for range 2 {
				if _, err := tr.Epoch(s); err != nil {
					t.Fatal(err)
				}
				y := make([]float32, s.Len()*tr.net.out.Size())
				from := slow(s)
				if idle == nil {
					from = s
				}
				score, err := tr.EvaluateTo(y, from)
				if err != nil {
					t.Fatal(err)
				}
				if again, err := tr.Evaluate(s); err != nil || again != score {
					t.Errorf("%s: %+v, %v, and with outputs %+v", name, again, err, score)
				}
				z := make([]float32, len(y))
				if err := tr.net.Predict(s.X, z); err != nil {
					t.Fatal(err)
				}
				r := result{score: score}
				for _, v := range append(y, z...) {
					r.bits = append(r.bits, math.Float32bits(v))
				}
				out = append(out, r)
			}
			return out
		}
		want := run(nil)
		pool := crew.New(4, nil)
		leave := pool.Enter(1)
		team := pool.Team(nil)
		got := run(team)
		leave()
		if team.Helped() == 0 {
			t.Errorf("%s: nobody helped", name)
		}
		for i := range want {
			if want[i].score != got[i].score || !slices.Equal(want[i].bits, got[i].bits) {
				t.Errorf("%s, epoch %d: %+v with helpers, %+v without", name, i+1, got[i].score, want[i].score)
			}
		}
	}
}

// Helpers take no more memory than they are given.
func TestHelpersKeepToTheirRoom(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 60)
	pool := crew.New(4, nil)
	defer pool.Enter(1)()
	helpers := func(room int64) int {
		n := mustCompile(t, Seq{Conv{Out: 4}, ReLU{}, Dense{Out: 4}}, s.Shape, Config{Batch: 5})
		n.Borrow(pool.Team(nil), room)
		n.eager = true
		if _, err := n.Evaluate(s); err != nil {
			t.Fatal(err)
		}
		for _, w := range n.twins {
			if size := inBytes(int64(len(w.arena))); size > n.plan.Input.Size*4*20 {
				t.Errorf("a helper takes %d bytes", size)
			}
		}
		return len(n.twins)
	}
	if n := helpers(0); n != 3 {
		t.Errorf("%d helpers with any room, want 3", n)
	}
	n := mustCompile(t, Seq{Conv{Out: 4}, ReLU{}, Dense{Out: 4}}, s.Shape, Config{Batch: 5})
	n.Borrow(pool.Team(nil), 0)
	each := inBytes(int64(len(n.withTwins()[1].arena)))
	for k := range 4 {
		if got := helpers(each*int64(k) + 1); got != k {
			t.Errorf("%d helpers with room for %d", got, k)
		}
	}
}
