package attempt

import "time"

// SetHandshakeTimes shortens the times of handshakes.
func (s *Sender) SetHandshakeTimes(hello, handshake time.Duration) {
	s.helloTimeout, s.handshakeTimeout = hello, handshake
}
