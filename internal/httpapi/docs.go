package httpapi

type document struct{}

func (s *Server) showDocs(k *call) error { return nil }
func (s *Server) showHome(k *call) error { return nil }
