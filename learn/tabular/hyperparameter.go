package tabular

import (
	"slices"

	"budwood/learn/network"
	"budwood/search"
	"budwood/trees"
)

// The learners.
const (
	Network  = "network"
	Boosting = "boosting"
	Forest   = "forest"
	Linear   = "linear"
)

// Learners are the values of the hyperparameter learner.
var Learners = []string{Network, Boosting, Forest, Linear}

// Key is the name of the hyperparameter that says what learns.
const Key = "learner"

// Table are the hyperparameters of all learners but networks.
var Table = []network.Hyperparameter{
	{Name: Key, Is: "what learns: a network, boosted trees, a forest, or a linear model", Default: Network, Options: Learners},
	{Name: "rounds", Is: "boosting, forest: rounds or trees of an epoch", Default: 10, Lo: 1, Hi: 1 << 16},
	{Name: "rate", Is: "boosting: what the leaves of each tree are multiplied by", Default: .1, Lo: 1e-6, Hi: 1},
	{Name: "growth", Is: "boosting: trees grow by level (depth), or where the gain is largest (leaf)", Default: "depth", Options: trees.Growths},
	{Name: "depth", Is: "boosting, forest: most splits above a leaf", Default: 0, Varies: "6; of forests and growth: leaf no limit", Lo: 1, Hi: 64},
	{Name: "leaves", Is: "boosting: most leaves of a tree", Default: 0, Varies: "no limit; with growth: leaf 31", Lo: 2, Hi: 1 << 20},
	{Name: "bins", Is: "boosting, forest: most bins of a column of numbers, beside that of missing ones", Default: 255, Lo: 2, Hi: 255},
	{Name: "min_child", Is: "boosting: least sum of second derivatives of a leaf (squared error: rows)", Default: 1., Hi: 1e9},
	{Name: "min_split", Is: "boosting: least gain of a split", Default: 0., Hi: 1e9},
	{Name: "l1", Is: "boosting: penalty L1 of leaves", Default: 0., Hi: 1e9},
	{Name: "l2", Is: "boosting: penalty L2 of leaves", Default: 1., Hi: 1e9},
	{Name: "row_share", Is: "boosting: share of the rows that a tree is grown from, drawn anew", Default: 1., Lo: .01, Hi: 1},
	{Name: "column_share", Is: "boosting: share of the columns that a tree may use; forest: that are tried for a split", Default: 1., Varies: "1; of forests with classes √columns", Lo: .001, Hi: 1},
	{Name: "categories", Is: "boosting: categories are split into two sets (optimal), or become means of the target (ordered)", Default: "optimal", Options: trees.Categories},
	{Name: "cat_smooth", Is: "boosting: rows by which rare categories are drawn to the mean", Default: 10., Lo: 1e-3, Hi: 1e6},
	{Name: "tree_loss", Is: "boosting of numbers: what is minimised; auto: what `loss` says, huber as squared", Default: "auto", Options: []string{"auto", "squared", "absolute", "poisson"}},
	{Name: "extra", Is: "forest: extremely randomised trees", Default: "no", Options: []string{"no", "yes"}},
	{Name: "min_leaf", Is: "forest: least rows of a leaf", Default: 1., Lo: 1, Hi: 1e9},
	{Name: "penalty", Is: "linear: penalty L2 of the weights of standardised columns", Default: 1., Hi: 1e9},
}

// reader reads the hyperparameters of this package, and those of the recipe that count here too.
func reader(p search.Params) *network.Reader {
	return &network.Reader{Params: p, Table: slices.Concat(Table, network.RecipeTable)}
}

// settings are what the hyperparameters of a candidate say.
type settings struct {
	learner  string
	rounds   int
	boost    trees.Config
	forest   trees.ForestConfig
	linear   trees.LinearConfig
	loss     string // of boosting of numbers: auto, or a name
	of       string // the recipe's loss
	balanced bool
}

// Check reads the hyperparameters, and reports the first that is wrong.
func Check(p search.Params) error {
	_, err := read(p)
	return err
}

func read(p search.Params) (s settings, err error) {
	r := reader(p)
	s.learner, s.rounds = r.Choice(Key), r.Int("rounds")
	b := &s.boost
	b.Rate, b.Growth, b.Depth, b.Leaves, b.Bins = r.Number("rate"), r.Choice("growth"), r.Int("depth"), r.Int("leaves"), r.Int("bins")
	b.MinChild, b.MinGain, b.L1, b.L2 = r.Number("min_child"), r.Number("min_split"), r.Number("l1"), r.Number("l2")
	b.Rows, b.Columns, b.Categories, b.CatSmooth = r.Number("row_share"), r.Number("column_share"), r.Choice("categories"), r.Number("cat_smooth")
	s.loss, s.of, s.balanced = r.Choice("tree_loss"), r.Choice("loss"), r.Choice("class_weights") == "balanced"
	s.forest = trees.ForestConfig{Extra: r.Choice("extra") == "yes", Depth: b.Depth, Bins: b.Bins, MinLeaf: r.Number("min_leaf")}
	if p["column_share"] != nil {
		s.forest.Columns = b.Columns
	}
	s.linear.L2 = r.Number("penalty")
	return s, r.Err
}
