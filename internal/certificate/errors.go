package certificate

import "qingyuan/internal/fault"

// Why there is no certificate of a signature.
var (
	// ErrVoid is one that was taken back, or taken out of the figures.
	ErrVoid = fault.New(fault.Conflict, "certificate.void", "签署已撤回或已作废，没有证书")
	// ErrErased is one of somebody whose name is not kept any more.
	ErrErased = fault.New(fault.Conflict, "certificate.erased", "姓名已按规定删除，不能再生成证书")
)
