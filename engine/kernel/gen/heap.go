package main

// heaps writes the kernel that takes 64 rows down a heap of up to six levels of splits. The splits are in eight
// registers, from which each lane takes that of its node; the values are gathered. Four vectors of rows go at a
// time: while one waits for its values, the others go on.
//
// Registers: Z0–Z3 thresholds, Z4–Z7 where the values of the columns begin, Z8 ones, Z9–Z12 the numbers of the rows,
// Z13–Z16 nodes, Z17–Z20 thresholds of these, Z21–Z24 places, Z25–Z28 values.
func heaps(f *file) {
	if !f.wide() {
		return
	}
	f.function("heapLeaves", "finds the leaves of 64 rows.", "leaf *int32", "values *int32", "at *int32", "slots *int32", "levels int", "rows *int32")
	for k := range 4 {
		f.i("VMOVUPS %d(DX), %s", 64*k, f.v(k))
		f.i("VMOVUPS %d(CX), %s", 64*k, f.v(4+k))
		f.i("VMOVUPS %d(R9), %s", 64*k, f.v(9+k))
	}
	f.op("VMOVUPS", f.c(1), 8)
	for k := range 4 {
		f.op("VMOVAPS", 8, 13+k)
	}
	for level := range 6 {
		f.i("CMPQ R8, $%d", level)
		f.i("JE done")
		for k := range 4 {
			node, at, slot := 13+k, 17+k, 21+k
			switch {
			case level < 4: // nodes 1 to 15
				f.op("VPERMD", 0, node, at)
				f.op("VPERMD", 4, node, slot)
			case level == 4: // 16 to 31
				f.op("VPERMD", 1, node, at)
				f.op("VPERMD", 5, node, slot)
			default: // 32 to 63
				f.op("VMOVAPS", node, at)
				f.op("VMOVAPS", node, slot)
				f.op("VPERMI2D", 3, 2, at)
				f.op("VPERMI2D", 7, 6, slot)
			}
			f.op("VPADDD", 9+k, slot, slot)
		}
		for k := range 4 {
			mask := []string{"K1", "K2", "K3", "K4"}[k]
			f.i("KXNORW %s, %s, %s", mask, mask, mask)
			f.i("VPGATHERDD (SI)(%s*4), %s, %s", f.v(21+k), mask, f.v(25+k))
		}
		for k := range 4 {
			mask := []string{"K1", "K2", "K3", "K4"}[k]
			f.op("VPCMPGTD", 17+k, 25+k, mask)
			f.op("VPADDD", 13+k, 13+k, 13+k)
			f.op("VPADDD", 8, 13+k, mask, 13+k)
		}
	}
	f.label("done")
	for k := range 4 {
		f.i("VMOVUPS %s, %d(DI)", f.v(13+k), 64*k)
	}
	f.end()
}
