package kernel

import "syscall"

// adviseHuge asks for large pages. Where there are none, small ones do.
func adviseHuge(b []byte) { _ = syscall.Madvise(b, syscall.MADV_HUGEPAGE) }
