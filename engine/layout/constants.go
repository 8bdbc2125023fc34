package layout

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"
)

// Constants are what the model of costs does not know of devices and programs. They
// are fitted to published runs: see fit. Times of products follow the roofline
// (Williams et al. 2009): the ridge of a device is the operations it does in the time
// in which a byte comes from its memory.
type Constants struct {
	Products  float64 `json:"products"`  // share of the peak that large products reach
	Faster    float64 `json:"faster"`    // of a device x times as fast as 312 TFLOP/s, x^−Faster of that share
	FP8       float64 `json:"fp8"`       // the same of fp8, whose peak is twice that of bf16
	Attention float64 `json:"attention"` // share of the peak that attention's own products reach
	Width     float64 `json:"width"`     // a product w columns wide takes 1 + Width·ridge/w of the time
	Rows      float64 `json:"rows"`      // a product of r rows takes 1 + Rows·ridge/r of the time
	Moves     float64 `json:"moves"`     // times that the counted bytes of everything else are moved
	Layer     float64 `json:"layer"`     // seconds a layer, to start its kernels
	Inside    float64 `json:"inside"`    // share of the rate inside a machine that is reached
	Between   float64 `json:"between"`   // the same between machines
	OneCard   float64 `json:"one_card"`  // the same of zero 3 over one card
	Overlap   float64 `json:"overlap"`   // share of the smaller of two that run at once, by which they take longer than the larger
	Gather    float64 `json:"gather"`    // the same where zero 2 and 3 gather or scatter layers
	Stagger   float64 `json:"stagger"`   // a schedule of p stages takes 1 + Stagger·log₂(p) of the time: each op waits for the slowest
	Spread    float64 `json:"spread"`    // a step takes 1 + Spread·log₂(machines) of the time: it waits for the slowest
}

// latency is the seconds that a message takes beside its bytes; of a sum, for each
// doubling of the members. It is not fitted: the runs tell little of it.
const latency = 1e-5

// fittedFile has the constants, and the error of each run that they were fitted to.
//
//go:embed fitted.json
var fittedFile []byte

// Fitted is the file of fitted constants.
type Fitted struct {
	Constants Constants  `json:"constants"`
	Crossed   []Crossed  `json:"cross_validated"`
	Residuals []Residual `json:"residuals"`
}

// Crossed is how well constants predict runs that they were not fitted to. Errors are
// |predicted time / measured time − 1|.
type Crossed struct {
	LeftOut string  `json:"left_out"`
	Median  float64 `json:"median"`
	Mean    float64 `json:"mean"`
	Worst   float64 `json:"worst"`
	Within  float64 `json:"within_20_percent"` // share of the runs
	Pairs   float64 `json:"pairs_in_order"`    // share of the pairs of a source whose speeds differ by more than 5 %
}

// Residual is how far a prediction is from a run.
type Residual struct {
	Source   string  `json:"source"`
	Case     string  `json:"case"`
	Measured float64 `json:"measured"` // TFLOP/s of a device
	Error    float64 `json:"error"`    // predicted time / measured time − 1
}

// ReadFitted reads the file that the program fit wrote.
func ReadFitted() (*Fitted, error) {
	f := &Fitted{}
	if err := json.Unmarshal(fittedFile, f); err != nil {
		return nil, fmt.Errorf("the fitted constants: %w", err)
	}
	return f, nil
}

// fitted are the constants of the file.
var fitted = sync.OnceValues(func() (*Constants, error) {
	f, err := ReadFitted()
	if err != nil {
		return nil, err
	}
	return &f.Constants, nil
})
