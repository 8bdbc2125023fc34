// Package tabular trains what learns from tables beside networks: boosted trees, forests and linear models of
// package trees. Each candidate names its learner by the hyperparameter "learner"; those of [Of] are trained, tested
// and applied as [network.Supervised] does networks: with cross-validation there is a model for each fold, and their mean is the
// trained one. An epoch is some rounds of boosting, or some trees of a forest; a linear model is solved in its
// first epoch.
package tabular
