package segment

import "strings"

// measuredWord begins the note of what a segment's steps have taken on a mesh.
const measuredWord = "mesh: measured "

// MeasuredNote is that note.
func MeasuredNote(what string) string { return measuredWord + what }

// Measured reports whether a note tells what steps have taken on a mesh.
func Measured(note string) bool { return strings.HasPrefix(note, measuredWord) }
