package watching

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// bareFrame is as long as a frame of startFrames.
const bareFrame = 921

// serveBare is the ceiling of a stream: connections that were asked for nothing but to
// stay open, and once a second one write of ready bytes to each, one after the other.
func serveBare() error {
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var all listeners
	ended := make(chan error, 1)
	go func() { ended <- all.accept(ln) }()
	fmt.Fprintf(os.Stderr, `{"msg":"serving","what":"public","addr":%q}`+"\n", ln.Addr())
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-tick.C:
			all.write(eventOf(time.Now()))
		}
	}
}

// eventOf is a frame as it travels, with nothing in it but when it was made.
func eventOf(at time.Time) []byte {
	const end = "\n\n"
	event := fmt.Appendf(nil, "id: %d\nevent: frame\ndata: ", at.UnixMilli())
	event = append(event, strings.Repeat("x", bareFrame-len(event)-len(end))...)
	return append(event, end...)
}

// listeners are those who are connected to a bare server.
type listeners struct {
	mu    sync.Mutex
	conns []net.Conn
}

func (l *listeners) accept(ln net.Listener) error {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return err
		}
		go l.greet(conn)
	}
}

// greet answers a request with a head and a first frame.
func (l *listeners) greet(conn net.Conn) {
	in := bufio.NewReader(conn)
	for line := "-"; line != ""; {
		text, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(text)
	}
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
	if _, err := conn.Write(append([]byte(head), eventOf(time.Now())...)); err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, conn)
}

// write writes to everybody. Who has left stays: nobody does before the end.
func (l *listeners) write(event []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		_, _ = conn.Write(event)
	}
}
