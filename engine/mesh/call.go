package mesh

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// handshake is how long a caller and a rank may take to greet each other.
const handshake = 3 * time.Second

// call connects with a higher rank, and tries again as long as it is not there.
func (j *joining) call(rank int) {
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		err, final := j.callOnce(rank)
		switch {
		case err == nil:
			return
		case final:
			j.fail(rank, err)
			return
		}
		j.refuse(rank, err)
		select {
		case <-j.ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// callOnce reports with an error whether trying again is of no use.
func (j *joining) callOnce(rank int) (err error, final bool) {
	peer := j.Peers[rank]
	network, address := "tcp", peer.TCP
	if peer.Unix != "" && (peer.TCP == "" || peer.Machine == j.Peers[j.Rank].Machine) {
		network, address = "unix", peer.Unix
	}
	if address == "" {
		return errors.New("the table has no address for it"), true
	}
	raw, err := new(net.Dialer).DialContext(j.ctx, network, address)
	if err != nil {
		return err, false
	}
	ctx, cancel := context.WithTimeout(j.ctx, handshake)
	defer cancel()
	c, calm, err := j.secure(ctx, raw, network, rank)
	if err != nil {
		raw.Close()
		return err, errors.Is(err, errKey)
	}
	k := newConn(c, rank, 0)
	own := greet(j.Config, rank)
	if err = own.say(k); err == nil {
		var theirs greeting
		if theirs, err = hear(k.r); err == nil {
			err, final = theirs.fits(own), true
		}
	}
	var alert *net.OpError
	if errors.As(err, &alert) && alert.Op == "remote error" {
		err, final = fmt.Errorf("it refuses the key of this rank: %w", err), true
	}
	if err == nil {
		calm()
		err = j.meet(k)
	}
	if err != nil {
		c.Close()
	}
	return err, final
}

// secure makes the connection what the mesh needs: through [Config.Through], TLS over
// TCP, and a deadline for the handshake, which calm ends.
func (j *joining) secure(ctx context.Context, raw net.Conn, network string, rank int) (c net.Conn, calm func(), err error) {
	if j.Through != nil {
		raw = j.Through(raw)
	}
	stop := context.AfterFunc(ctx, func() { raw.SetDeadline(time.Now()) })
	calm = func() { stop() }
	if network == "unix" || j.Key == nil {
		return raw, calm, nil
	}
	var t *tls.Conn
	if rank >= 0 {
		t = tls.Client(raw, j.Key.config(func(f string) bool { return f == j.Peers[rank].Fingerprint }))
	} else {
		t = tls.Server(raw, j.Key.config(func(f string) bool {
			for _, p := range j.Peers[:j.Rank] {
				if f == p.Fingerprint {
					return true
				}
			}
			return false
		}))
	}
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, nil, err
	}
	return t, calm, nil
}

// mostCallers is how many may be shaking hands with a listener at once.
const mostCallers = 64

// answer lets lower ranks in.
func (j *joining) answer(l net.Listener) {
	slots := make(chan struct{}, mostCallers+j.Rank)
	for {
		raw, err := l.Accept()
		if err != nil {
			return
		}
		slots <- struct{}{}
		j.work.Go(func() {
			defer func() { <-slots }()
			if rank, err := j.answerOne(raw, l.Addr().Network()); err != nil {
				raw.Close()
				j.refuse(rank, err)
			}
		})
	}
}

// answerOne gives, with an error, the rank that calls, or −1 if it did not say.
func (j *joining) answerOne(raw net.Conn, network string) (int, error) {
	ctx, cancel := context.WithTimeout(j.ctx, handshake)
	defer cancel()
	c, calm, err := j.secure(ctx, raw, network, -1)
	if err != nil {
		return -1, err
	}
	k := newConn(c, -1, 0)
	theirs, err := hear(k.r)
	if err != nil {
		return -1, err
	}
	own := greet(j.Config, theirs.Rank)
	if theirs.Rank < 0 || theirs.Rank >= j.Rank {
		return -1, theirs.fits(greet(j.Config, -1))
	}
	k.peer = theirs.Rank
	if t, ok := c.(*tls.Conn); ok && fingerprint(t.ConnectionState().PeerCertificates[0].Raw) != j.Peers[k.peer].Fingerprint {
		return -1, fmt.Errorf("it says it is rank %d, but %w", k.peer, errKey)
	}
	err = theirs.fits(own)
	if say := own.say(k); err == nil {
		err = say
	} else if !errors.Is(err, errStranger) {
		j.fail(k.peer, err)
	}
	if err != nil {
		return k.peer, err
	}
	calm()
	return k.peer, j.meet(k)
}
