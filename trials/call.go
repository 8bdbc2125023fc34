package trials

import (
	"context"
	"fmt"
	"runtime"
	"strings"
)

// call runs the training function; a panic in it is its failure, not ours.
func call(ctx context.Context, t *Trial, train TrainFunc) (err error) {
	defer func() {
		if v := recover(); v != nil {
			stack := make([]byte, 16<<10)
			stack = stack[:runtime.Stack(stack, false)]
			err = fmt.Errorf("the objective panicked: %v\n%s", v, userFrames(string(stack)))
		}
	}()
	return train(ctx, t)
}

// userFrames cuts a stack down to what the user wrote.
func userFrames(stack string) string {
	_, after, ok := strings.Cut(stack, "panic(")
	if !ok {
		return stack
	}
	if _, rest, ok := strings.Cut(after, "\n\t"); ok {
		_, after, _ = strings.Cut(rest, "\n")
	}
	before, _, _ := strings.Cut(after, "budwood/trials.call(")
	return strings.TrimSpace(before)
}
