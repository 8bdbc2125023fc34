// Package compress makes a trained network smaller: by cutting channels, by products
// of thin matrices, by folding batch norms.
//
// What the functions return is a network of its own; their arguments stay as they are.
//
//   - [Groups] says which channels can only be cut together, [Scores] how much each
//     counts, [Choose] which ones to keep for a share of the cost, and [Prune] cuts.
//   - [Ranks] chooses the ranks of layers by their singular values, and [LowRank]
//     puts two thin layers in the place of each.
//   - [Fold] takes batch norms into the layers before them, for inference.
//   - [Magnitude] and [NM] are masks of single weights, which a trainer keeps
//     (engine.TrainConfig.Mask). A mask makes no network faster.
//
// After a cut, [engine.Net.Recalibrate] and a few epochs of training bring back most
// of what was lost.
package compress
