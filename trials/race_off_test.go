//go:build !race

package trials

// raceDetector tells whether the race detector is on, whose shadow memory is not ours.
const raceDetector = false
