package trials

import (
	"errors"
	"fmt"
	"strings"
)

// mostSaid bounds what a rank tells the others of an error, in bytes.
const mostSaid = 1 << 10

// Agree is what err is where one rank trains the trial. Of a gang, all ranks of which call it
// at the same place, it is for all the error of the first rank that has one, with its number
// and name: "rank 1 on host/7: …". So they end together where one of them cannot go on, and
// for the same reason. The second error is that of the link.
func (t *Trial) Agree(err error) (said, lost error) {
	g := t.gang
	if g == nil {
		return err, nil
	}
	for rank := range g.world.Ranks {
		var text [mostSaid]byte
		if rank == g.world.Link.Rank() && err != nil {
			copy(text[:], fmt.Sprintf("rank %d on %s: %s", rank, t.runner.Name, err))
		}
		if lost := g.group.Broadcast(rank, text[:]); lost != nil {
			t.machine = &MachineError{lost}
			return nil, t.machine
		}
		if text[0] != 0 && said == nil {
			said = errors.New(strings.ToValidUTF8(strings.TrimRight(string(text[:]), "\x00"), ""))
		}
	}
	return said, nil
}
