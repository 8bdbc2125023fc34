package engine

import (
	"cmp"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
	"time"

	"budwood/engine/kernel"
	"budwood/engine/mesh"
)

// World says that a trainer is one of several ranks, goroutines or processes, that
// train one network together. Each has a trainer with the same network, configuration
// and data sets, and computes the shards D·k/K … D·(k+1)/K−1 of the data (of rank k of
// K). With a network in P stages, layers in T parts, and P·K·T ranks, rank p·K·T + k·T + t
// computes part t of the layers of stage p for those shards; with K·T or P·K ranks each
// computes the others in turn, with at most D ranks both. All make the same calls of their
// trainers in the same order: [NewTrainer], [Trainer.Step], [Trainer.Epoch],
// [Trainer.Evaluate], [Trainer.KeepBest], [Trainer.RestoreBest], [Trainer.Save],
// [Trainer.Load] and [Trainer.Whole] return when all ranks have done their part. The results are those of one rank, bit for bit.
//
// An error of one rank ends the link: the calls of the others return it, or a
// [mesh.ErrLost] if the rank is gone, and none of them waits for ever. Where all
// ranks find the same error, as with [ErrDiverged], its text is the same.
type World struct {
	Link  mesh.Link // to the other ranks; nil is enough for [Footprint], which then is that of rank 0
	Ranks int       // how many there are
}

// all is the number of ranks, at least 1.
func (m *Mesh) all() int {
	if m.World == nil {
		return 1
	}
	return max(m.World.Ranks, 1)
}

// axes is how many stages and parts of layers the ranks share out, one of each to a rank;
// 1: every rank has all of them. All ranks that there are must have the same number of
// shards or fewer.
func (m *Mesh) axes() (stages, cells int) {
	n, p, t := m.all(), max(m.Pipeline, 1), max(m.Tensor, 1)
	for _, try := range [...][2]int{{p, t}, {1, t}, {p, 1}} {
		if each := try[0] * try[1]; n > 1 && n%each == 0 && n/each <= m.Shards() {
			return try[0], try[1]
		}
	}
	return 1, 1
}

// cells is how many ranks share the layers of a stage, one part each; 1: every rank
// computes the parts in turn, if there are any.
func (m *Mesh) cells() int {
	_, cells := m.axes()
	return cells
}

// stages is how many ranks share the layers of the network, one stage each; 1: every rank
// has all of them.
func (m *Mesh) stages() int {
	stages, _ := m.axes()
	return stages
}

// ranks is the number of ranks that share the data, at least 1: of those of one part of one
// stage.
func (m *Mesh) ranks() int {
	stages, cells := m.axes()
	return m.all() / (stages * cells)
}

// rank is the own one of these, part that of the layers, stage that of the network. Parts
// run fastest, then data.
func (m *Mesh) rank() int  { return m.own() / m.cells() % m.ranks() }
func (m *Mesh) part() int  { return m.own() % m.cells() }
func (m *Mesh) stage() int { return m.own() / (m.cells() * m.ranks()) }

// number is the number on the link of a rank.
func (m *Mesh) number(stage, rank, part int) int {
	return part + m.cells()*(rank+m.ranks()*stage)
}

// own is the own rank among all.
func (m *Mesh) own() int {
	if m.all() == 1 || m.World.Link == nil {
		return 0
	}
	return m.World.Link.Rank()
}

// peers are the numbers on the link of the ranks that compute the shards, in their order,
// with the own part of the layers of the own stage.
func (m *Mesh) peers() (ranks []int) {
	for k := range m.ranks() {
		ranks = append(ranks, m.number(m.stage(), k, m.part()))
	}
	return ranks
}

// ranks is the side of one rank in what a trainer does together with others.
type ranks struct {
	link     mesh.Link
	floats   *mesh.Group // of gradients and weights
	small    *mesh.Group // of everything else: one leaf a rank
	line     *mesh.Group // of all stages; small, if there is one
	flow     *mesh.Group // of the stages that have the same data and part; nil, if there is one
	all      *mesh.Group // of all parts of the layers, too; line, if there is one
	mesh     *Mesh
	part     int          // the own one of the layers
	chunk    [2][]float32 // of tensors that are put together for a checkpoint
	peers    []int        // that have the same part of the layers, of which it is one
	carrier  *carrier
	unit     *unit       // that is on its way
	squares  [][]float64 // of the blocks of the gradient
	losses   [][]float64 // of each micro-batch
	records  *unit       // of the statistics of all micro-batches; nil if there are none
	recorded []float32
	failed   [][]float64 // which ranks have an error
	text     [1 << 10]byte
	calls    []uint32 // messages of checkpoints, by the other rank
	lost     error    // what ended the link
	quiet    bool     // gradients are not summed up
	brought  int      // units since quiet
}

// nothing is what a rank gives for a number that is another's: added to any number, it
// leaves the bits of that.
var nothing = math.Copysign(0, -1)

// fill sets all of x.
func fill(x []float64, v float64) {
	for i := range x {
		x[i] = v
	}
}

// join makes the groups of a rank, nil if it is alone.
func join(c *TrainConfig, n *Net) (*ranks, error) {
	count := c.Mesh.ranks()
	if c.Mesh.all() == 1 {
		return nil, nil
	}
	link := c.Mesh.World.Link
	if link == nil {
		return nil, fmt.Errorf("mesh: %d ranks and no link between them", count)
	}
	members := mesh.Members{Name: "small"}
	var leaves []int
	members.Ranks = c.Mesh.peers()
	for k := range count {
		s, each := c.spanOf(k), 1
		if c.Mesh.Zero < 2 {
			each = c.leaves() / c.Mesh.Shards()
		}
		leaves = append(leaves, (s.To-s.From)*each)
	}
	r := &ranks{link: link, peers: members.Ranks, mesh: &c.Mesh, part: c.Mesh.part(), failed: [][]float64{make([]float64, c.Mesh.all())}, calls: make([]uint32, c.Mesh.all())}
	var err error
	if r.small, err = mesh.NewGroup(link, members); err != nil {
		return nil, err
	}
	if err := r.joinStages(); err != nil {
		return nil, err
	}
	if r.all = r.line; c.Mesh.cells() > 1 {
		everybody := mesh.Members{Name: "all"}
		for k := range c.Mesh.all() {
			everybody.Ranks = append(everybody.Ranks, k)
		}
		if r.all, err = mesh.NewGroup(link, everybody); err != nil {
			return nil, err
		}
	}
	members.Name, members.Leaves, members.Add = "gradients and weights", leaves, kernel.Add
	members.Cut = func(length, n, i int) (from, to int) {
		if u := r.unit; u.cuts != nil {
			return u.cuts[i] - u.lo, u.cuts[i+1] - u.lo
		}
		return mesh.Cut(length, n, i)
	}
	if r.floats, err = mesh.NewGroup(link, members); err != nil {
		return nil, err
	}
	if r.carrier, err = newCarrier(link, members); err != nil {
		return nil, err
	}
	return r, r.compare(c, n)
}

// take takes the own piece of each unit.
func (r *ranks) take(units []unit) {
	for i := range units {
		if u := &units[i]; u.cuts != nil {
			u.own = r.pieceOf(u, r.floats.Member())
		}
	}
}

// pieceOf is a rank's piece of a unit.
func (r *ranks) pieceOf(u *unit, rank int) stretch {
	r.unit = u
	from, to := r.floats.Piece(u.size(), rank)
	return stretch{u.lo + from, u.lo + to}
}

// fail ends the link with an error, which it returns: no other rank shall wait for
// this one.
func (r *ranks) fail(err error) error {
	if r == nil || err == nil {
		return err
	}
	r.lost = cmp.Or(r.lost, err)
	r.link.Close(err)
	return err
}

// compare is an error if ranks do not train the same thing.
func (r *ranks) compare(c *TrainConfig, n *Net) error {
	sum := crc32.Update(crc32.ChecksumIEEE(mesh.Bytes(n.params)), crc32.IEEETable, mesh.Bytes(n.stats))
	of := func(name string, v any) string { return fmt.Sprintf("%s %v", name, v) }
	own := []string{
		of("parameters", len(n.params)), of("weights with the checksum", fmt.Sprintf("%08x", sum)), of("kernels", n.CPU()), of("precision", n.cfg.Precision), of("loss", n.cfg.Loss),
		of("batch", n.cfg.Batch), of("seed", c.Seed), of("optimizer", c.Optimizer), of("mesh.data", c.Mesh.Shards()), of("mesh.tensor", max(c.Mesh.Tensor, 1)), of("mesh.pipeline", max(c.Mesh.Pipeline, 1)), of("micro-batches", c.leaves()), of("mesh.zero", c.Mesh.Zero),
	}
	if c.Mask != nil {
		own = append(own, of("a mask with the checksum", fmt.Sprintf("%08x", crc32.ChecksumIEEE(mesh.Bytes(c.Mask)))))
	}
	if c.Mesh.Zero == 3 || c.Mesh.cells() > 1 || c.Mesh.stages() > 1 { // ranks take turns that depend on them
		own = append(own, of("mesh.threads", c.Mesh.Threads))
	}
	text, err := r.say(0, strings.Join(own, "\n"))
	if err != nil {
		return r.fail(err)
	}
	first := strings.Split(text, "\n")
	for i := range min(len(own), len(first)) {
		if own[i] != first[i] && err == nil && len(text) < len(r.text) {
			err = fmt.Errorf("mesh: rank %d has %s, rank 0 has %s: give all ranks the same", r.link.Rank(), own[i], first[i])
		}
	}
	return r.fail(r.agree(err))
}

// say gives all ranks the text of one of them, or the beginning of a long one.
func (r *ranks) say(root int, text string) (string, error) {
	clear(r.text[:])
	if root == r.all.Member() {
		copy(r.text[:], text)
	}
	if err := r.all.Broadcast(root, r.text[:]); err != nil {
		return "", err
	}
	return strings.TrimRight(string(r.text[:]), "\x00"), nil
}

// agree is a call that all ranks make with what they have to say about something that
// each has done. It is nil for all or an error for all.
func (r *ranks) agree(own error) error {
	if r == nil {
		return own
	}
	clear(r.failed[0])
	if own != nil {
		r.failed[0][r.all.Member()] = 1
	}
	if err := r.all.Sum64(r.failed); err != nil {
		return cmp.Or(own, r.fail(err))
	}
	for k, failed := range r.failed[0] {
		if failed == 0 {
			continue
		}
		text := ""
		if own != nil {
			text = own.Error()
		}
		text, err := r.say(k, text)
		if err != nil {
			return cmp.Or(own, r.fail(err))
		}
		return cmp.Or(own, fmt.Errorf("rank %d: %s", k, text))
	}
	return nil
}

// begin readies a rank for steps, once the lanes are there. all is room for the statistics
// of all micro-batches.
func (r *ranks) begin(t *Trainer, all []float32) {
	r.losses = [][]float64{make([]float64, len(t.losses)+2)} // and whether to stop, and the weight of a single one
	r.squares = [][]float64{t.wholeSquares()}
	n, stats := r.floats.Size(), len(t.net.stats)
	if stats == 0 {
		return
	}
	// Each rank's statistics lie where its piece of all of them is.
	turns := unit{stretch: stretch{0, n}}
	for i := range n + 1 {
		turns.cuts = append(turns.cuts, i)
	}
	rank := make([]int, n) // that has piece i
	for k := range n {
		rank[r.pieceOf(&turns, k).lo] = k
	}
	r.records = &unit{stretch: stretch{0, len(all)}, cuts: []int{0}}
	r.recorded = all
	each, at := t.cfg.leaves()/t.cfg.Mesh.Shards(), 0
	for i := range n {
		s := t.cfg.spanOf(rank[i])
		for u := s.From * each; u < s.To*each; u++ {
			t.record[u] = all[at:][:stats:stats]
			at += stats
		}
		r.records.cuts = append(r.records.cuts, at)
	}
}

// tell gives all ranks the losses and statistics of all micro-batches.
func (t *Trainer) tell() {
	r := t.ranks
	if r == nil {
		return
	}
	if t.broken() {
		r.fail(errPanic)
	}
	t.checkLinks()
	if t.now.lost = r.lost; r.lost != nil {
		return
	}
	began := time.Now()
	x := r.losses[0]
	fill(x, nothing)
	if t.stopSeen {
		x[len(t.losses)] = 1
	}
	for round := range t.deal.rounds {
		for leaf := t.deal.span.From; leaf < t.deal.span.To && r.judges(); leaf++ {
			u := t.deal.micro(round, leaf)
			x[u] = t.losses[u]
		}
	}
	if r.judges() && len(t.losses) == 1 {
		x[2] = t.now.weight
	}
	if t.now.lost = r.fail(r.line.Sum64(r.losses)); t.now.lost != nil {
		return
	}
	if copy(t.losses, x); len(t.losses) == 1 {
		t.now.weight = x[2]
	}
	t.stopSeen = x[len(t.losses)] > 0
	t.timing.waited += time.Since(began)
	if r.records != nil {
		r.unit = r.records
		t.now.lost = r.fail(r.floats.AllGather(r.recorded))
	}
}

// reduce adds the ranks' gradients up, each in its own piece.
func (t *Trainer) reduce() {
	r := t.ranks
	if r == nil {
		return
	}
	u := &t.units[0]
	r.unit = u
	if t.cfg.Mesh.Zero == 0 {
		t.now.lost = r.fail(r.floats.AllReduce(u.trees))
	} else {
		t.now.lost = r.fail(r.floats.ReduceScatter(u.trees))
	}
	if to := u.own.of(t.net.grads); len(to) > 0 && &to[0] != &u.trees[0][u.own.lo] {
		copy(to, u.trees[0][u.own.lo:])
	}
}

// allFinite reports whether all lanes of all ranks have found finite values.
func (t *Trainer) allFinite() bool {
	finite := t.finite()
	if t.ranks != nil {
		all, err := t.ranks.all.And(finite)
		if t.now.lost = t.ranks.fail(err); err == nil {
			finite = all
		}
	}
	return finite
}

// norm is the Euclidean norm of the gradient.
func (t *Trainer) norm() float64 {
	squares := t.squares
	if r := t.ranks; r != nil && (t.cfg.Mesh.Zero > 0 || t.net.stage != nil) {
		squares = t.tellSquares()
	}
	if t.net.link != nil {
		return t.normOfParts(squares)
	}
	sum := 0.
	for _, s := range squares {
		sum += s
	}
	return math.Sqrt(sum)
}

// spread gives all ranks the weights after a step, and whether they are finite.
func (t *Trainer) spread() {
	r := t.ranks
	if r == nil {
		return
	}
	if t.broken() {
		t.now.lost = r.fail(errPanic)
		return
	}
	if t.lanes[0].finite = t.allFinite(); t.now.lost == nil {
		t.now.lost = t.gather(t.net.params)
	}
}

// gather gives all ranks a vector as long as the parameters of which each has its
// pieces. A vector that none has as a whole stays in pieces.
func (t *Trainer) gather(x []float32) error {
	if t.ranks == nil || t.cfg.Mesh.Zero == 0 || x == nil {
		return nil
	}
	for k := range t.units {
		t.ranks.unit = &t.units[k]
		if err := t.ranks.floats.AllGather(t.units[k].of(x)); err != nil {
			return t.ranks.fail(err)
		}
	}
	return nil
}
