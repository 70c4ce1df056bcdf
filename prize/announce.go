package prize

import "qingyuan/prize/draw"

// Announcement is what is published of a draw before the opening: with it everybody can
// tell later that nothing of the draw was changed.
func (k *Keys) Announcement(campaign string, d *Draw) draw.Announcement {
	a := draw.Announcement{
		Campaign: campaign, Draw: d.ID, Reserves: d.Reserves, Source: d.Source, SecretHash: k.Draw(campaign, d.ID).Hash(),
	}
	for i := range d.Prizes {
		a.Prizes = append(a.Prizes, draw.Prize{ID: d.Prizes[i].ID, Name: d.Prizes[i].Name.In(""), Count: d.Prizes[i].Stock})
	}
	return a
}

// BoundDraw is what is published of a draw, and its hash.
type BoundDraw struct {
	Announcement draw.Announcement
	Digest       draw.Hash
}

// Bound is what is published of a campaign's secrets.
type Bound struct {
	// Instant is the hash of the secret by which chances win, and Told that secret once
	// it is public.
	Instant [32]byte
	Told    *Secret
	// Draws are in the order of the plan.
	Draws []BoundDraw
}

// Bound tells what is published of a campaign's secrets.
func (s *Service) Bound(campaignID string) (Bound, error) {
	o, err := s.Catalog.Prizes(campaignID)
	if err != nil {
		return Bound{}, err
	}
	secret := s.Keys.Instant(campaignID)
	out := Bound{Instant: secret.Hash()}
	if Told(o.Campaign, s.Now()) {
		out.Told = &secret
	}
	for i := range o.Plan.Draws {
		b := BoundDraw{Announcement: s.Keys.Announcement(campaignID, &o.Plan.Draws[i])}
		if b.Digest, err = b.Announcement.Digest(); err != nil {
			return out, err
		}
		out.Draws = append(out.Draws, b)
	}
	return out, nil
}
