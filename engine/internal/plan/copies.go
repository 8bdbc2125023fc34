package plan

// A stage of a pipeline has several micro-batches between their forward and their
// backward pass. For each there is a copy of the plan. What lives from one pass to the
// other each copy has for itself; all others lie in memory that the copies share, for
// only one of them runs at a time.

// kept reports whether a block holds something between the two passes.
func (k *Block) kept() bool {
	return k.Last != Never && k.First < lossMoment && k.Last > lossMoment && !k.Pauses()
}

// LayOutCopies is [LayOut] for plans of which there are several copies: it returns the
// floats that they share, and those that each has for itself.
func LayOutCopies(blocks []*Block) (shared, own int64) {
	var others []*Block
	for _, k := range blocks {
		if k.kept() {
			k.Off = int(own)
			own = Plus(own, Aligned(k.Size))
		} else {
			others = append(others, k)
		}
	}
	return Aligned(LayOut(others)), own
}

// BindCopy is [Builder.Bind] of a copy whose blocks were laid out by [LayOutCopies].
func (b *Builder) BindCopy(shared, own []float32) {
	for _, k := range b.Blocks {
		if k.Last == Never {
			continue
		}
		arena := shared
		if k.kept() {
			arena = own
		}
		k.Floats = arena[k.Off : int64(k.Off)+k.Size : int64(k.Off)+k.Size]
	}
	for _, o := range b.Ops {
		o.Bind()
	}
}
