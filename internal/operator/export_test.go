package operator

// Crowd takes every place where a password is stretched, and as many in the line as
// leave room for so many; release lets them go.
func (s *Service) Crowd(room int) (release func()) {
	line := cap(s.hasher.line) - room
	for range line {
		s.hasher.line <- struct{}{}
	}
	for range cap(s.hasher.places) {
		s.hasher.places <- struct{}{}
	}
	return func() {
		for range cap(s.hasher.places) {
			<-s.hasher.places
		}
		for range line {
			<-s.hasher.line
		}
	}
}
