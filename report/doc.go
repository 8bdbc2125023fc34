// Package report draws: charts as SVG text ([Chart], [Bars], [Parallel]) and a
// study as one HTML page that needs nothing else ([Write]). [CSV] is its table of
// trials for other programs.
package report
