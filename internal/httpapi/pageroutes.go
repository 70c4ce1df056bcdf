package httpapi

import "qingyuan/internal/fault"

// pageRoutes are the pages and what they load. Each page finds its way among its own
// views: what stands behind its prefix is the same page.
func (s *Server) pageRoutes() []route {
	const participant, console = "/c/:campaign", "/console"
	page := func(path string, handle func(*call) error) route { return quick(get(path, files, handle)) }
	return []route{
		page("/assets/:file", s.showAsset),
		s.pictureRoute(),
		page("/", s.showEntry),
		page(participant, s.showEntry),
		page(participant+"/:view", s.showEntry),
		page(participant+"/:view/:object", s.showEntry),
		page("/screen/:campaign", s.showScreen),
		page("/draws", s.showDrawCheck),
		page("/draws/:campaign/:draw", s.showDrawCheck),
		page(console, s.showConsole),
		page(console+"/:view", s.showConsole),
		page(console+"/:view/:object", s.showConsole),
		page(console+"/:view/:object/:part", s.showConsole),
		page(console+"/:view/:object/:part/:item", s.showConsole),
	}
}

// showEntry handles GET / and everything below /c: the participant's page. Without a
// campaign, or with one that is not known, it lets people choose.
func (s *Server) showEntry(k *call) error {
	if s.state.shelf == nil {
		return s.showPlain(k)
	}
	f, err := s.entryPage(k.Params("campaign"))
	if err != nil {
		return err
	}
	return k.sendFile(f, cachePage)
}

// showScreen handles GET /screen/{campaign}: the big screen.
func (s *Server) showScreen(k *call) error { return s.showBuilt(k, screenPage) }

// showDrawCheck handles GET /draws and /draws/{campaign}/{draw}: where anybody computes a
// draw again, in their own browser.
func (s *Server) showDrawCheck(k *call) error { return s.showBuilt(k, drawsPage) }

// showConsole handles GET /console and what is below it: the operators' page.
func (s *Server) showConsole(k *call) error { return s.showBuilt(k, consolePage) }

func (s *Server) showBuilt(k *call, page string) error {
	if s.state.shelf == nil {
		return s.showPlain(k)
	}
	return k.sendFile(s.state.shelf.pages[page], cachePage)
}

// showAsset handles GET /assets/{file}: what the pages load. Names change with the
// content, so an unknown one is of another version.
func (s *Server) showAsset(k *call) error {
	if s.state.shelf != nil {
		if f, ok := s.state.shelf.assets[k.Params("file")]; ok {
			return k.sendFile(f, cacheAsset)
		}
	}
	return fault.ErrNotFound
}
