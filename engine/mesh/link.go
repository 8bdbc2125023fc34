package mesh

import "fmt"

// Link carries messages between the ranks 0 … n−1 of a mesh. Messages of one stream
// from one rank arrive in the order in which they were sent. Streams are independent
// of each other: each may have a goroutine of its own, which makes its calls in the
// same order as that of every peer.
type Link interface {
	// Rank is the own rank.
	Rank() int
	// Send sends b. It keeps nothing of b once it returns.
	Send(to int, m Mark, b []byte) error
	// Recv fills b with the next message of the mark's stream. Another mark or
	// length is an [ErrDisagree], which ends the link.
	Recv(from int, m Mark, b []byte) error
	// Close ends the link. With nil this rank has had enough: peers get what it sent
	// before, and an [ErrEnded] if they wait for more. With a cause, every pending and
	// later call of all ranks returns it: as it is if it is an [ErrLost], an
	// [ErrDisagree] or an [ErrEnded], else as an [ErrEnded] with its text.
	Close(cause error) error
}

// Mark says which call a message belongs to.
type Mark struct {
	Tag  uint32 // Tag(stream, name)
	Call uint32 // the number of the call among those of this tag, from 0
	Kind Kind
	Root uint16 // the member that a broadcast starts from, else 0
	Size uint64 // bytes of the whole vector, below 2⁴⁸; both sides must mean the same
}

// Kind is what a message is for.
type Kind uint8

// The kinds of calls, and of the frames that only a [Net] sends.
const (
	Message Kind = iota // of whoever uses the link without a group
	ReduceScatter
	AllGather
	AllReduce
	Broadcast
	Barrier
	Sum64
	And
	kinds // how many there are of the above

	hello Kind = 0xf0
	beat  Kind = 0xf1
	end   Kind = 0xf2
)

var kindNames = [kinds]string{"Message", "ReduceScatter", "AllGather", "AllReduce", "Broadcast", "Barrier", "Sum64", "And"}

// String is the name of the call.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// String names the call for people: "AllReduce, call 12 of 4096 bytes (tag 0x1000a2)".
func (m Mark) String() string {
	s := fmt.Sprintf("%v, call %d of %d bytes", m.Kind, m.Call, m.Size)
	if m.Kind == Broadcast {
		s += fmt.Sprintf(" from member %d", m.Root)
	}
	return s + fmt.Sprintf(" (tag %#x)", m.Tag)
}

// Streams is how many streams a link has.
const Streams = 8

// Tag is the tag of a stream, 0 ≤ stream < [Streams], and of what runs on it. Other
// names give other tags, except for one chance in 2²⁴.
func Tag(stream int, name string) uint32 {
	hash := uint32(2166136261) // FNV-1a
	for i := range len(name) {
		hash = (hash ^ uint32(name[i])) * 16777619
	}
	return uint32(stream)<<24 | (hash^hash>>24)&(1<<24-1)
}

// stream is the stream of a tag.
func stream(tag uint32) int { return int(tag >> 24) }

// chunk is the most bytes that travel in one frame. While one is added up, the next
// arrives.
const chunk = 256 << 10

// chunks is the number of frames that carry n bytes. Nothing is carried by an empty
// frame, so that everybody hears from everybody in each call.
func chunks(n int) int { return max(1, (n+chunk-1)/chunk) }

// part is the chunk c of b.
func part(b []byte, c int) []byte { return b[min(c*chunk, len(b)):min((c+1)*chunk, len(b))] }
