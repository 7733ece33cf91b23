package simapi

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Serve serves an API on a network of its own, in memory. It returns a client's
// way there, whatever host it asks, and what ends the server.
func Serve(api http.Handler) (transport *http.Transport, stop func()) {
	network := NewNetwork()
	server := &http.Server{Handler: api, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(network) }()
	const idle = 100 // no less than a client has in flight
	transport = &http.Transport{DialContext: network.DialContext, MaxIdleConnsPerHost: idle}
	return transport, func() { _ = server.Close() }
}

// Network is a network of one server, in memory: a net.Listener for it, and a
// dialer for its clients, whatever address they dial. It opens no port, and its
// connections block in a way that testing/synctest knows.
type Network struct {
	connections chan net.Conn
	closed      chan struct{}
	close       sync.Once
	refuse      atomic.Bool
}

// NewNetwork returns a network without a server.
func NewNetwork() *Network {
	return &Network{connections: make(chan net.Conn), closed: make(chan struct{})}
}

// DialContext connects to the server, as http.Transport wants it.
func (n *Network) DialContext(ctx context.Context, network, _ string) (net.Conn, error) {
	refused := &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	if n.refuse.Load() {
		return nil, refused
	}
	client, server := net.Pipe()
	select {
	case n.connections <- server:
		return client, nil
	case <-n.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Refuse lets new connections be refused, or not any more.
func (n *Network) Refuse(refuse bool) { n.refuse.Store(refuse) }

// Accept implements net.Listener.
func (n *Network) Accept() (net.Conn, error) {
	select {
	case c := <-n.connections:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (n *Network) Close() error {
	n.close.Do(func() { close(n.closed) })
	return nil
}

// Addr implements net.Listener.
func (*Network) Addr() net.Addr { return memoryAddr{} }

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "memory" }
