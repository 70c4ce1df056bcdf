package httpapi

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// address returns who is at the other end: the peer of the connection, or, where
// that is a trusted proxy, the right-most hop of X-Forwarded-For that is not
// one. Everything further left was written by whoever asked.
func (s *Server) address(c *fiber.Ctx) netip.Addr {
	peer := peerOf(c)
	if !trusted(s.TrustedProxies, peer) {
		return peer
	}
	var lines []string
	for _, line := range c.Request().Header.PeekAll(fiber.HeaderXForwardedFor) {
		lines = append(lines, string(line))
	}
	return lastUntrusted(peer, strings.Join(lines, ","), s.TrustedProxies)
}

// lastUntrusted walks the hops from the right. It stops at the first that no
// trusted proxy can have written: what cannot be read counts as the proxy that
// handed it on.
func lastUntrusted(peer netip.Addr, forwarded string, proxies []netip.Prefix) netip.Addr {
	last := peer
	hops := strings.Split(forwarded, ",")
	for _, hop := range slices.Backward(hops) {
		addr, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			return last
		}
		last = addr
		if !trusted(proxies, addr) {
			return last
		}
	}
	return last
}

// parseHop reads an address with or without a port, as proxies write them.
func parseHop(hop string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(hop); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(hop); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

func peerOf(c *fiber.Ctx) netip.Addr {
	if l, ok := c.Context().Conn().(*lenientConn); ok {
		return l.peer
	}
	return addrOf(c.Context().RemoteAddr())
}

// addrOf is the address of a peer without its port.
func addrOf(peer net.Addr) netip.Addr {
	tcp, ok := peer.(*net.TCPAddr)
	if !ok {
		return netip.IPv4Unspecified()
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}

func trusted(networks []netip.Prefix, addr netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

// overTLS tells whether the person's connection is encrypted, as far as a proxy
// that we trust can tell.
func (s *Server) overTLS(c *fiber.Ctx) bool {
	return len(s.TrustedProxies) > 0 && c.Get(fiber.HeaderXForwardedProto) == "https" &&
		trusted(s.TrustedProxies, peerOf(c))
}

// network is what an address is counted as: of an IPv6 address only the first
// 64 bits, because a caller chooses the rest at will.
func network(addr netip.Addr) netip.Addr {
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}
