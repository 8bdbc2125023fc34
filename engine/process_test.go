package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"budwood/engine/mesh"
)

// What tells a process that it is a rank of a test: where the others are, which one it is,
// and of how many.
const (
	rankFolder = "ENGINE_TEST_RANKS"
	rankNumber = "ENGINE_TEST_RANK"
	rankCount  = "ENGINE_TEST_RANK_COUNT"
)

// hybrid is the training of a small GPT, and how one lane does it; ranks also cut it into
// stages, and share the optimizer's state out.
func hybrid() (q tensorRun, alone, ranks Mesh) {
	block := Transformer{Heads: 4, Causal: true, Dropout: 0.1, Hidden: 256}
	gpt := Seq{Embedding{Vocab: 160, Out: 128}, Positional{Learned: true}, block, block, LayerNorm{}, Dense{Out: 160, PerStep: true}}
	q = tensorRun{gpt, texts(16, 4, 160), Config{Batch: 8, Seed: 1}, TrainConfig{Seed: 2, Epochs: 2, EMA: 0.9, ClipNorm: 1}}
	alone = always(Mesh{Data: 2, MicroBatches: 2, Tensor: 2})
	ranks = alone
	ranks.Pipeline, ranks.Zero = 2, 1
	return q, alone, ranks
}

// trained is what a training comes to, in one line.
func trained(score Score, outputs []float32) string {
	return fmt.Sprintf("%v, outputs and weights %x\n", score, sha256.Sum256(mesh.Bytes(outputs)))
}

// A small GPT on data 2 × tensor 2 × pipeline 2 with zero 1 has the bits of one lane, where
// the eight lanes are four processes, and where they are eight.
func TestHybridInProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts twelve processes")
	}
	q, alone, _ := hybrid()
	want, score, outputs, err := q.do(alone, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{4, 8} {
		dir, err := os.MkdirTemp("", "ranks") // the path of a socket is short
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		said := make([]error, n)
		var all sync.WaitGroup
		for rank := range n {
			all.Go(func() {
				cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestRankOfHybrid$", "-test.timeout", "1m")
				cmd.Env = append(os.Environ(), rankFolder+"="+dir, fmt.Sprint(rankNumber, "=", rank), fmt.Sprint(rankCount, "=", n))
				if out, err := cmd.CombinedOutput(); err != nil {
					said[rank] = fmt.Errorf("%w: %s", err, out)
				}
			})
		}
		all.Wait()
		for rank, err := range said {
			if err != nil {
				t.Fatalf("rank %d of %d: %v", rank, n, err)
			}
			got, err := os.ReadFile(filepath.Join(dir, fmt.Sprint("result", rank)))
			if err != nil || string(got) != trained(score, outputs) {
				t.Errorf("rank %d of %d has %s, want %s (%v)", rank, n, got, trained(score, outputs), err)
			}
		}
		for i := range want {
			got, err := os.ReadFile(filepath.Join(dir, fmt.Sprint("checkpoint", i)))
			if err != nil || !bytes.Equal(got, want[i].Bytes()) {
				t.Errorf("%d processes: checkpoint %d is another one than that of one lane (%v)", n, i, err)
			}
		}
	}
}

// TestRankOfHybrid is one process of TestHybridInProcesses.
func TestRankOfHybrid(t *testing.T) {
	dir := os.Getenv(rankFolder)
	if dir == "" {
		t.Skip("for the processes of TestHybridInProcesses")
	}
	rank, _ := strconv.Atoi(os.Getenv(rankNumber))
	n, _ := strconv.Atoi(os.Getenv(rankCount))
	c := mesh.Config{Rank: rank, Peers: make([]mesh.Peer, n)}
	for i := range c.Peers {
		c.Peers[i] = mesh.Peer{Machine: "m", Unix: filepath.Join(dir, fmt.Sprint(i))}
	}
	own, err := net.Listen("unix", c.Peers[rank].Unix)
	if err != nil {
		t.Fatal(err)
	}
	c.Listeners = []net.Listener{own}
	link, err := mesh.Join(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	q, _, m := hybrid()
	m.Threads, m.World = 8/n, &World{link, n}
	got, score, outputs, err := q.do(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := link.Close(nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("result", rank)), []byte(trained(score, outputs)), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if rank == 0 {
			err = os.WriteFile(filepath.Join(dir, fmt.Sprint("checkpoint", i)), got[i].Bytes(), 0o600)
		} else if got[i].Len() > 0 {
			err = fmt.Errorf("rank %d writes a checkpoint", rank)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
