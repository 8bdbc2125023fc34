package nas

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"budwood/search"
)

func genome(t testing.TB, tree string) Genome {
	t.Helper()
	var g Genome
	if err := g.UnmarshalText([]byte(tree)); err != nil {
		t.Fatalf("%s: %v", tree, err)
	}
	return g
}

// Networks that compute the same have the same hash, others do not.
func TestHash(t *testing.T) {
	classes := [][]string{
		{`[]`, `skip`, `flatten`, `[skip [] {}]`, `dropout(0)`, `maxpool(1)`},
		{`none`, `[none relu]`, `[relu none]`, `(none + none)`},
		{`relu`, `[relu relu]`, `3:[skip relu]`, `(none + relu)`, `<relu>`, `[relu flatten]`},
		{`tanh`},
		{`[tanh tanh]`},
		{`[relu tanh]`, `{relu [tanh]}`},
		{`[tanh relu]`},
		{`(skip + relu)`, `(relu + skip)`, `(none + [relu skip] + skip)`, `<relu skip skip>`},
		{`(skip + skip)`},
		{`(skip + skip + skip)`, `(skip + (skip + skip))`},
		{`dense(8)`, `[flatten dense(8)]`, `[flatten flatten dense(8)]`},
		{`dense(9)`}, {`[dense(9) dense(0)]`},
		{`(& skip relu)`, `(& relu skip none)`}, {`(& skip skip relu)`}, {`(& relu (& skip skip))`},
		{`conv(8)`, `conv(8,3,1)`},
		{`conv(8,5)`},
		{`conv(8,3,2)`},
		// Sums that differ in shape meet through projections: not flattened.
		{`(skip + (skip + conv(8)))`},
		{`(skip + skip + conv(8))`},
		// Whichever of two shapes a sum has, it does not depend on the order.
		{`((conv(8) + conv(16)) + conv(8))`, `(conv(8) + (conv(16) + conv(8)))`},
		// After the projection the shapes agree.
		{`[conv(8) (skip + (skip + conv(8)))]`, `[conv(8) (skip + conv(8) + skip)]`},
	}
	seen := map[Hash]string{}
	for _, class := range classes {
		first := genome(t, class[0]).Hash()
		if other, ok := seen[first]; ok {
			t.Errorf("%s and %s are not told apart", class[0], other)
		}
		seen[first] = class[0]
		for _, tree := range class[1:] {
			if genome(t, tree).Hash() != first {
				t.Errorf("%s and %s are told apart", class[0], tree)
			}
		}
	}
}

// Hashes are stored with the trials: a change makes old studies forget what
// they tried.
func TestHashIsStable(t *testing.T) {
	g := genome(t, `[conv(8) (skip + relu) dropout(0.25) dense(3)]`)
	if got, want := g.Hash().String(), "f285c0d48bb492d3"; got != want {
		t.Errorf("hash %s, was %s", got, want)
	}
}

// The terms of sums of sums are counted, not listed: here 2⁹⁹ of them.
func TestHashCountsTerms(t *testing.T) {
	deep, deeper := "skip", ""
	for range 99 {
		deep = "(skip + skip) " + deep
	}
	deeper = "[" + deep + " relu]"
	if a, b := genome(t, "["+deep+"]").Hash(), genome(t, deeper).Hash(); a == b {
		t.Errorf("%s and %s are not told apart", deep, deeper)
	}
	if genome(t, "[(skip + relu + skip) (skip + skip)]").Hash() != genome(t, "((skip + skip + relu) + (relu + skip) + skip)").Hash() {
		t.Error("four times the input and twice its relu are told apart")
	}
}

// What a network computes does not change with the way it is written down.
func TestHashIgnoresHowItIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, _ := drawSpace(t)
		r := search.Rand(rapid.Uint64().Draw(t, "seed"), 0)
		g := s.Sample(r)
		other := Genome{rewritten(r, g.root)}
		if g.Hash() != other.Hash() {
			t.Fatalf("%v and %v are told apart", g, other)
		}
	})
}

// rewritten is the same network by another derivation.
func rewritten(r *rand.Rand, n node) node {
	n.kids = slices.Clone(n.kids)
	for i := range n.kids {
		n.kids[i] = rewritten(r, n.kids[i])
	}
	idle := node{kind: opKind, op: operationNamed(skip)}
	nothing := node{kind: opKind, op: operationNamed(none)}
	if n.kind == addKind {
		r.Shuffle(len(n.kids), func(i, j int) { n.kids[i], n.kids[j] = n.kids[j], n.kids[i] })
	}
	switch r.IntN(6) {
	case 0:
		return node{kids: []node{idle, n}}
	case 1:
		return node{kind: oneOfKind, pick: 1, kids: []node{n}}
	case 2:
		return node{kind: addKind, kids: []node{nothing, n}}
	case 3:
		return node{kind: repeatKind, kids: []node{n, {kind: opKind, op: operationNamed("dropout"), vals: []float64{0}}}}
	}
	return n
}
