// Package loss has what training minimises, one file for each [Loss]. It knows no
// network: a loss compares outputs with the [Targets] of some rows.
package loss
