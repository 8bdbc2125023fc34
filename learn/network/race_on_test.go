//go:build race

package network

// raceDetector reports whether the race detector is on, whose shadow memory is not ours.
const raceDetector = true
