// Package data holds sets of rows for training ([Set], of rows of a [Shape]) and
// turns files into training, validation and test sets. It knows no network.
//
// [Load] reads the CSV, Parquet, IDX, NPY or text files named by a [Source], infers
// column types and task, splits the rows, fits the encoding on the training part
// alone, and returns three [Set]. [Cache] does it once per source. The metrics
// ([Accuracy], [AUC], [RMSE], …) are plain functions on slices.
//
//	d, err := data.Load(ctx, data.Source{CSV: "digits.csv.gz", Target: "digit"})
//	…
//	d.Train.Len(), d.Features, d.ClassNames
//
// How a table is understood depends on [Source.Reading]. [Newest] finds dialect, numbers
// as people write them, dates, ids and text, and says so in a [Profile]; [Understand] has
// the profile alone. Reading 0, that of stored sources which name none:
//
//   - The first line names the columns. Cells are separated by commas; spaces around
//     a cell do not count; gzip is told by its first bytes, whatever the file is called.
//   - Empty cells, "?", "NA", "NaN" and "nan" are missing.
//   - A column is numeric if every other cell is a decimal number within the
//     range of float32, else categorical.
//   - Rows without a target are left out and counted.
//   - A Parquet table has types: booleans are 0 and 1; decimals, dates and times are
//     numbers (in the file's unit); byte arrays are categories. Null, NaN and empty
//     text are missing. Nested columns have to be ignored. LZ4 is not read.
//
// How columns become numbers, with everything fitted on the training rows:
//
//   - Numeric: minus the mean, divided by the standard deviation (of the population);
//     a constant column gives 0. A missing value gives 0, the mean.
//   - Categorical: one column of 0 and 1 for each of its values. Of more than 64
//     values the 63 most frequent have one, and the rest, unseen values included,
//     share one. Otherwise an unseen value gives zeros. See [TargetEncode] for
//     another way.
//   - Text ([KindText]): hashed words by TF-IDF.
//   - A column with missing and other values among the training rows has one more
//     column at its end, 1 where the value is missing.
//   - With an image shape, all columns are pixels: one mean and one standard
//     deviation for all of them, and no columns for missing values.
//   - A regression target is standardised too ([Data.TargetScale]).
package data
