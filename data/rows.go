package data

// Rows are the inputs of a [Set] that do not lie in the memory of the process, as
// those of a decoded file that all processes of a machine share. They are safe for
// concurrent use.
type Rows interface {
	Len() int
	// Read copies rows from the given one on to x: as many as x has room for, of
	// the values of a row each.
	Read(x []float32, row int)
}

// span is some rows that follow each other.
type span struct {
	rows  Rows
	lo, n int
}

func (s span) Len() int                  { return s.n }
func (s span) Read(x []float32, row int) { s.rows.Read(x, s.lo+row) }

// picked is rows in any order.
type picked struct {
	rows  Rows
	order []int32
	width int
}

func (p picked) Len() int { return len(p.order) }

func (p picked) Read(x []float32, row int) {
	for ; len(x) > 0; x, row = x[p.width:], row+1 {
		p.rows.Read(x[:p.width], int(p.order[row]))
	}
}
