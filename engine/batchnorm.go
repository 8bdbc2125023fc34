package engine

import (
	"math"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// BatchNorm normalises each feature, or each channel of an image, over the
// batch, and scales and shifts it by trained γ and β (Ioffe & Szegedy 2015).
// In inference it uses running averages, updated in training with momentum 0.1.
type BatchNorm struct {
	Eps float64 // ε, added to the variance; 0 means 1e-5
}

// Infer gives the input shape.
func (b BatchNorm) Infer(in data.Shape) (data.Shape, error) {
	if err := checkEps(b, b.Eps); err != nil {
		return nil, err
	}
	return in, values(b, in)
}

// String is BatchNorm, with ε where it is not the default.
func (b BatchNorm) String() string { return "BatchNorm" + describeEps("(", b.Eps, ")") }

func (l BatchNorm) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	y, _ := l.fuse(b, x, nil)
	return y
}

func (l BatchNorm) fuse(b *plan.Builder, x plan.Tensor, next []Layer) (plan.Tensor, int) {
	c := x.Shape[len(x.Shape)-1]
	b.Layer(l, x.Shape, 0)
	o := plan.Fresh[batchNorm](b)
	o.x, o.channels, o.per, o.eps = x, c, x.Shape.Size()/c, Eps(l.Eps)
	o.gamma, o.beta = b.Param("weight", ones, c), b.Param("bias", zeros, c)
	o.mean, o.variance = b.Stat("running_mean", zeros, c), b.Stat("running_var", ones, c)
	if cut := b.Cut(); cut != nil {
		for _, p := range []*plan.Param{o.gamma, o.beta, o.mean, o.variance} {
			p.Of(b, cut, 0, cut.Size)
		}
	}
	o.saved, o.front, o.back = b.Scratch(plan.Product(4, c)), b.Scratch(int64(c)), b.Scratch(plan.Product(2, c))
	shape := x.Shape
	taken, _ := behind(next)
	o.relu = taken > 0
	if o.relu && pools(next[1:], x.Shape) {
		taken++
		o.windows = kernel.Pool{H: shape[0], W: shape[1], C: c, Size: 2}
		shape = b.Shape(shape[0]/2, shape[1]/2, c)
	}
	o.y = b.Output(x, shape, true, plan.NeedNothing)
	if o.pooled() {
		b.Rows[b.At].Data = nil // the normalised values are nowhere
	}
	backwards := []*plan.Block{x.Data, o.y.Grad, o.saved, o.back}
	if c, ok := x.Maker.(*conv); ok {
		o.conv, c.norm = c, o
		b.TouchBefore(backwards...)
	} else {
		backwards = append(backwards, x.Grad)
	}
	b.Add(o, []*plan.Block{x.Data, o.y.Data, o.saved, o.front}, backwards)
	return o.y, taken
}

// pools reports whether the first layer is a maximum over 2×2 windows of an image.
func pools(next []Layer, in data.Shape) bool {
	if len(next) == 0 || len(in) != 3 || in[0] < 2 || in[1] < 2 {
		return false
	}
	p, ok := next[0].(MaxPool)
	n, square := p.Square()
	return ok && square && n == 2
}

// normMomentum is the share of a batch in the running averages of BatchNorm.
const normMomentum = 0.1

// batchNorm is the op of BatchNorm: y = (x − μ)/√(σ² + ε)·γ + β, that is a·x +
// shift, then ReLU and maximum of 2×2 windows if they follow.
//
// It saves passes over memory. If x comes from a convolution that nobody else
// reads, that hands over every image when it is done (gather), and asks for the
// gradient of an image when it needs it (input), so that x.grad does not exist.
// What ReLU and the windows let through follows from x once more.
type batchNorm struct {
	x, y               plan.Tensor
	conv               *conv // before it, if that leaves its gradient to it
	channels, per      int   // per: values of a channel in one sample
	eps                float64
	relu               bool
	windows            kernel.Pool // Size 0: none
	gamma, beta        *plan.Param
	mean, variance     *plan.Param
	saved, front, back *plan.Block // saved: μ and 1/√(σ² + ε) of the batch, a, shift

	moments  *kernel.Moments
	sum, dot []float64 // Σ dy and Σ dy·(x − μ)
}

func (o *batchNorm) pooled() bool { return o.windows.Size > 0 }

func (o *batchNorm) Bind() {
	o.moments = kernel.NewMoments(o.channels)
	o.sum, o.dot = make([]float64, o.channels), make([]float64, o.channels)
}

// coefficients are the parts of saved.
func (o *batchNorm) coefficients() (mean, inv, a, shift []float32) {
	c, s := o.channels, o.saved.Floats
	return s[:c], s[c : 2*c], s[2*c : 3*c], s[3*c : 4*c]
}

// slopes are the parts of back: dx = a·dy + slope·(x − μ) + constant.
func (o *batchNorm) slopes() (slope, constant []float32) {
	return o.back.Floats[:o.channels], o.back.Floats[o.channels : 2*o.channels]
}

// gather takes in values of x.
func (o *batchNorm) gather(p plan.Pass, x []float32) {
	if p.Train {
		o.moments.Add(x, len(x)/o.channels)
	}
}

func (o *batchNorm) Forward(p plan.Pass) {
	c, n := o.channels, p.Rows*o.per
	x, y := o.x.Data.Floats, o.y.Data.Floats
	mean, inv, a, shift := o.coefficients()
	variance := o.front.Floats
	if p.Train {
		if o.conv == nil {
			o.gather(p, x[:n*c])
		}
		o.moments.Result(mean, variance)
		o.moments.Reset()
		o.average(p, mean, variance, n)
	} else {
		copy(mean, o.mean.W)
		copy(variance, o.variance.W)
	}
	for j := range c {
		inv[j] = float32(1 / math.Sqrt(float64(variance[j])+o.eps))
		a[j] = o.gamma.W[j] * inv[j]
		shift[j] = o.beta.W[j] - mean[j]*a[j]
	}
	if !o.pooled() {
		kernel.ScaleShift(y, x, a, shift, n, c, o.relu)
		return
	}
	in, out := o.x.Shape.Size(), o.y.Shape.Size()
	for i := range p.Rows {
		o.windows.NormMax(y[i*out:], x[i*in:], a, shift)
	}
}

// average updates the running statistics, with the unbiased variance, or records
// what they are to be updated with. A single value has none, and changes nothing.
func (o *batchNorm) average(p plan.Pass, mean, variance []float32, n int) {
	if n < 2 || p.Again {
		return
	}
	unbiased := float32(n) / float32(n-1)
	if p.Record != nil {
		m, v := o.recorded(p)
		copy(m, mean)
		for j := range v {
			v[j] = unbiased * variance[j]
		}
		return
	}
	share := o.share(p)
	for j := range mean {
		o.mean.W[j] += share * (mean[j] - o.mean.W[j])
		o.variance.W[j] += share * (float32(unbiased*variance[j]) - o.variance.W[j]) // rounded, as where it is recorded
	}
}

// share is that of a batch in the running statistics.
func (o *batchNorm) share(p plan.Pass) float32 {
	if p.Share > 0 {
		return p.Share
	}
	return normMomentum
}

// recorded are the places of mean and variance in the record of a pass.
func (o *batchNorm) recorded(p plan.Pass) (mean, variance []float32) {
	return (*p.Record)[o.mean.At:][:o.channels], (*p.Record)[o.variance.At:][:o.channels]
}

// Settle implements [plan.Settler].
func (o *batchNorm) Settle(p plan.Pass) {
	if p.Rows*o.per < 2 {
		return
	}
	share := o.share(p)
	mean, variance := o.recorded(p)
	for j := range mean {
		o.mean.W[j] += share * (mean[j] - o.mean.W[j])
		o.variance.W[j] += share * (variance[j] - o.variance.W[j])
	}
}

// backward: with x̂ = (x − μ)·inv and n values a channel, dβ = Σ dy,
// dγ = Σ dy·x̂, dx = γ·inv·(dy − dβ/n − x̂·dγ/n).
func (o *batchNorm) Backward(p plan.Pass) {
	n := p.Rows * o.per
	mean, inv, a, _ := o.coefficients()
	o.sums(p)
	slope, constant := o.slopes()
	for j := range o.channels {
		o.beta.G[j], o.gamma.G[j] = float32(o.sum[j]), float32(o.dot[j])*inv[j]
		slope[j] = -a[j] * inv[j] * o.gamma.G[j] / float32(n)
		constant[j] = -a[j] * o.beta.G[j] / float32(n)
	}
	if o.conv != nil || o.x.Grad == nil {
		return
	}
	if !o.pooled() {
		kernel.NormBack(o.x.Grad.Floats, o.y.Grad.Floats, o.x.Data.Floats, a, slope, mean, constant, o.mask(), n, o.channels)
		return
	}
	in := o.x.Shape.Size()
	for i := range p.Rows {
		o.input(o.x.Grad.Floats[i*in:(i+1)*in], i)
	}
}

// sums computes sum and dot.
func (o *batchNorm) sums(p plan.Pass) {
	clear(o.sum)
	clear(o.dot)
	mean, _, a, shift := o.coefficients()
	x, dy := o.x.Data.Floats, o.y.Grad.Floats
	if !o.pooled() {
		kernel.CenteredSums(o.sum, o.dot, dy, x, mean, a, o.mask(), p.Rows*o.per, o.channels)
		return
	}
	in, out := o.x.Shape.Size(), o.y.Shape.Size()
	for i := range p.Rows {
		o.windows.NormMaxSums(o.sum, o.dot, dy[i*out:], x[i*in:], a, shift, mean)
	}
}

// input writes the gradient of x in sample i, once sums are known.
func (o *batchNorm) input(dx []float32, i int) {
	mean, _, a, shift := o.coefficients()
	slope, constant := o.slopes()
	in, out := o.x.Shape.Size(), o.y.Shape.Size()
	x, dy := o.x.Data.Floats[i*in:(i+1)*in], o.y.Grad.Floats[i*out:(i+1)*out]
	if o.pooled() {
		o.windows.NormMaxBack(dx, dy, x, a, shift, slope, mean, constant)
	} else {
		kernel.NormBack(dx, dy, x, a, slope, mean, constant, o.mask(), o.per, o.channels)
	}
}

// mask is the shift if there is a ReLU, else nil.
func (o *batchNorm) mask() []float32 {
	if !o.relu {
		return nil
	}
	_, _, _, shift := o.coefficients()
	return shift
}
