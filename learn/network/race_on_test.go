//go:build race

package network

// raceDetector tells whether the race detector is on, whose shadow memory is not ours.
const raceDetector = true
