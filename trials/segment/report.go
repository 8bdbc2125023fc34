package segment

// Key names a segment: the training of a trial from one budget to another, in epochs.
type Key struct {
	Study string `json:"study"`
	Trial int    `json:"trial"`
	From  int    `json:"from"`
	To    int    `json:"to"` // where it was to end, also if the trial ended before: Study, Trial and To are enough to name it
}

// Report is what came of one attempt at a segment.
type Report struct {
	Key
	Attempt int `json:"attempt"` // a later one replaces an earlier one
	Result
}
