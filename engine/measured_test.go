package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"budwood/data"
	"budwood/engine/mesh"
)

// What steps have taken is the same at all ranks but for the own bytes and seconds, names
// the rank that the others waited for, and is told beside what was predicted.
func TestMeasured(t *testing.T) {
	s := blobs(data.Shape{64}, 4, 24)
	all := links(t, "unix", 2)
	defer closeAll(all)
	l, c := Seq{Dense{Out: 128}, ReLU{}, Dense{Out: 4}}, Config{Batch: 8, Seed: 1}
	err := errors.Join(onRanks(all, func(rank int, link mesh.Link) error {
		n, err := Compile(l, s.Shape, c)
		if err != nil {
			return err
		}
		cfg := TrainConfig{Mesh: Mesh{Data: 2, World: &World{link, 2}, Who: fmt.Sprint("host/", rank)}}
		if rank == 1 {
			cfg.Augment = slow{}
		}
		tr, err := NewTrainer(n, cfg)
		if err != nil {
			return err
		}
		if _, err := tr.Epoch(s); err != nil {
			return err
		}
		m, err := tr.Measured()
		if err != nil {
			return err
		}
		p, err := Predict(l, s.Shape, c, cfg, nil)
		if err != nil {
			return err
		}
		if m.Steps != 3 || m.Seconds < 0.01 || len(m.Waited) != 2 || m.Waited[0] < 0.01 || m.Slowest != "rank 1 on host/1" {
			return fmt.Errorf("rank %d: %+v", rank, m)
		}
		if want := p.Step.Sent.Total(); m.Sent/3 < want || m.Sent/3 > 1.02*want {
			return fmt.Errorf("rank %d sent %.0f bytes a step, predicted are %.0f", rank, m.Sent/3, want)
		}
		if text := m.Beside(p); strings.Count(text, "(predicted ") != 2 || !strings.HasSuffix(text, " of it for the slowest, rank 1 on host/1") {
			return fmt.Errorf("rank %d: %s", rank, text)
		}
		return nil
	})...)
	if err != nil {
		t.Error(err)
	}
}

// slow takes its time for each row.
type slow struct{}

func (slow) Fits(data.Shape) error { return nil }

func (slow) Augment([]float32, data.Shape, *rand.Rand) { time.Sleep(time.Millisecond) }
