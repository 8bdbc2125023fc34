// Package trees learns from tables by trees: gradient boosting over histograms
// ([Booster]), random forests and extremely randomised trees ([Forest]), and a linear
// model beside them ([Linear]).
//
// A [Table] has rows of float32: numbers, or numbers of categories; NaN is a missing value. All
// of a column's values are sorted into at most 255 bins once, and growing a tree looks at
// bins only. What is trained is a [Model]: it predicts rows, says which columns count
// ([Model.Importance], [Permutation]) and how much each column adds to the prediction of a
// row ([Model.SHAP]), and is written and read bit for bit ([Model.Save], [Load]).
//
// The same settings and rows give the same bits on any number of cores: gradients are
// rounded so that their sums are exact, in any order; what is random depends on the seed and
// the number of a tree alone.
package trees
