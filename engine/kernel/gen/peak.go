package main

// peakChains is the number of independent chains of multiply-adds: more than
// the latency times the number of such instructions a cycle, within the
// registers of AVX2.
const peakChains = 12

// peak writes a loop of multiply-adds between registers.
func peak(f *file) {
	f.choice("multiplyAdds", "does n rounds of peakChains vectors.", "n int")
	for r := range peakChains + 2 {
		f.zero(r)
	}
	f.label("loop")
	for r := range peakChains {
		f.op("VFMADD231PS", peakChains, peakChains+1, r)
	}
	f.i("DECQ DI")
	f.i("JNZ loop")
	f.end()
}
