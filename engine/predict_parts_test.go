package engine

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"

	"budwood/data"
	"budwood/engine/mesh"
)

// What ranks with parts of the layers are predicted to send in a step they send, within
// 2 %, which are losses and headers; and they are predicted to compute less than all of it.
func TestPredictPartsOnRanks(t *testing.T) {
	for _, k := range []struct {
		name  string
		layer Layer
		set   *data.Set
		mesh  Mesh
		ranks int
	}{
		{"mlp", Seq{Dense{Out: 512}, ReLU{}, Dense{Out: 256}, ReLU{}, Dense{Out: 4}}, blobs(data.Shape{256}, 4, 48), Mesh{Data: 2, Tensor: 2}, 4},
		{"images", Seq{Conv{Out: 128}, ReLU{}, Conv{Out: 6}, ReLU{}, Dense{Out: 4}}, blobs(data.Shape{9, 9, 2}, 4, 16), Mesh{Data: 1, MicroBatches: 2, Tensor: 2, Zero: 1}, 2},
		{"gpt", Seq{Embedding{Vocab: 256, Out: 128}, Transformer{Heads: 4}, Dense{Out: 70, PerStep: true}}, texts(24, 12, 70), Mesh{Data: 1, Tensor: 2}, 2},
	} {
		c := Config{Batch: k.set.Len(), Seed: 1}
		all := links(t, "unix", k.ranks)
		sent := make([]float64, k.ranks)
		var predicted *Prediction
		err := errors.Join(onRanks(all, func(rank int, link mesh.Link) error {
			n, err := Compile(k.layer, k.set.Shape, c)
			if err != nil {
				return err
			}
			m := always(k.mesh)
			m.World = &World{link, k.ranks}
			if rank == 0 {
				if predicted, err = Predict(k.layer, k.set.Shape, c, TrainConfig{Mesh: m}, nil); err != nil {
					return err
				}
			}
			tr, err := NewTrainer(n, TrainConfig{Mesh: m})
			if err != nil {
				return err
			}
			before, _ := link.(*mesh.Net).Traffic()
			_, err = tr.Step(k.set)
			after, _ := link.(*mesh.Net).Traffic()
			sent[rank] = float64(after - before)
			return err
		})...)
		closeAll(all)
		if err != nil {
			t.Fatalf("%s: %v", k.name, err)
		}
		got := 0.
		for _, b := range sent {
			got += b / float64(k.ranks)
		}
		if want := predicted.Step.Sent.Total(); math.Abs(got-want) > 0.02*want {
			t.Errorf("%s: a rank sends %.0f bytes a step, predicted are %.0f (%+v)", k.name, got, want, predicted.Step.Sent)
		}
		if predicted.Ranks != k.ranks || predicted.Parts != 2 || predicted.Step.Time.Wire == 0 {
			t.Errorf("%s: %d ranks, %d parts, %+v", k.name, predicted.Ranks, predicted.Parts, predicted.Step.Time)
		}
		turns, err := Predict(k.layer, k.set.Shape, c, TrainConfig{Mesh: k.mesh}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := predicted.Step.Time, turns.Step.Time; turns.Parts != 1 || a.Compute > 0.8*b.Compute || a.Optimizer >= b.Optimizer || b.Wire != 0 {
			t.Errorf("%s: on ranks %+v, in turn %+v", k.name, a, b)
		}
	}
}

// The whole of a network whose ranks compute the parts of its layers in turn computes
// them so, too: its outputs are those that the ranks found.
func TestWholeOfPartsInTurn(t *testing.T) {
	s := blobs(data.Shape{64}, 4, 12)
	err := errors.Join(onRanks(links(t, "lanes", 3), func(rank int, l mesh.Link) error {
		n, err := Compile(Seq{Dense{Out: 192}, ReLU{}, Dense{Out: 64}, ReLU{}, Dense{Out: 4}}, s.Shape, Config{Batch: 12, Seed: 1})
		if err != nil {
			return err
		}
		tr, err := NewTrainer(n, TrainConfig{Mesh: Mesh{Data: 3, Tensor: 2, Zero: 3, World: &World{l, 3}}})
		if err != nil {
			return err
		}
		if _, err := tr.Epoch(s); err != nil {
			return err
		}
		out, again := make([]float32, 12*4), make([]float32, 12*4)
		if _, err := tr.EvaluateTo(out, s); err != nil {
			return err
		}
		whole, err := tr.Whole()
		if err != nil {
			return err
		}
		if _, err := whole.EvaluateTo(again, s); err != nil {
			return err
		}
		if !bytes.Equal(mesh.Bytes(out), mesh.Bytes(again)) {
			return fmt.Errorf("rank %d: the whole network has other outputs, %.2g away", rank, distance(again, out))
		}
		return nil
	})...)
	if err != nil {
		t.Error(err)
	}
}
