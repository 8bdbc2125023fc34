package mesh

// wire is how the collectives on messages see a link: as frames of at most a chunk.
type wire interface {
	Send(to int, m Mark, b []byte) error
	// post says where the next message from a rank goes, and await waits for so many
	// frames of it. Until then the memory is the link's.
	post(from int, m Mark, b []byte) error
	await(from int, tag uint32, frames int) error
	// take gives the next frame, of n bytes, from a rank; give takes it back.
	take(from int, m Mark, n int) (*frame, error)
	give(*frame)
}

// copied is a wire over any Link: it asks for each frame when it is needed.
type copied struct {
	Link
	frames pool
	posted map[int]posted // by rank
}

type posted struct {
	mark Mark
	b    []byte
	got  int
}

func (w *copied) post(from int, m Mark, b []byte) error {
	w.posted[from] = posted{mark: m, b: b}
	return nil
}

func (w *copied) await(from int, _ uint32, frames int) error {
	p := w.posted[from]
	for ; p.got < min(frames, chunks(len(p.b))); p.got++ {
		if err := w.Recv(from, p.mark, part(p.b, p.got)); err != nil {
			return err
		}
	}
	w.posted[from] = p
	return nil
}

func (w *copied) take(from int, m Mark, n int) (*frame, error) {
	f := w.frames.get(n)
	if err := w.Recv(from, m, f.b); err != nil {
		w.frames.put(f)
		return nil, err
	}
	return f, nil
}

func (w *copied) give(f *frame) { w.frames.put(f) }
