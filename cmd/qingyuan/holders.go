package main

import (
	"context"
	"time"

	"qingyuan/internal/retention"
	"qingyuan/internal/roster"
)

// holders lists everybody who keeps something of participants beside the ledger: each
// area adds its own here, and with that joins the erasure, the participant's own export
// and the retention job.
func (w *workbench) holders() (retention.Holders, error) {
	rosters, err := newRosters(w.cfg, w.db, time.Now)
	if err != nil {
		return nil, err
	}
	corrections := newCorrections(w.services, &backOffice{}, w.db, w.catalog, time.Now)
	origins := newOrigins(w.db, w.catalog.Campaigns, w.log, time.Now)
	all := retention.Holders{
		newInbox(w.cfg, w.db, w.services.secrecy, w.catalog.Campaign, time.Now).Holder(),
		w.proofs().Holder(),
		newOffline(w.db, w.catalog.Campaign, time.Now).Holder(),
		origins.Holder(),
		newChallenges(w.services, &backOffice{}, w.db, w.catalog, time.Now).Holder(),
		w.rosterHolder(rosters),
		newHidings(w.services, w.db, w.catalog, time.Now).Holder(),
		newTransfers(w.services, w.db, w.catalog, rosters, w.log, time.Now).Holder(),
		newPrizeDesk(w.cfg, w.services, w.db, w.catalog, w.log, time.Now).Holder(),
	}
	return append(all, corrections.Holders()...), nil
}

// rosterHolder takes the name of somebody who is erased off the rosters by which they
// came as well.
func (w *workbench) rosterHolder(rosters *roster.Rosters) retention.Holder {
	h := rosters.Holder()
	h.Erase = func(ctx context.Context, participant string) error {
		hashes, err := w.ledger.DoorsOf(ctx, participant)
		if err != nil || len(hashes) == 0 {
			return err
		}
		theirs := map[string]bool{}
		for _, hash := range hashes {
			theirs[hash] = true
		}
		_, err = rosters.Unname(ctx, func(campaignID string, p roster.Person) bool {
			return theirs[w.services.sessions.RosterDoor(entryOf(campaignID, p))]
		})
		return err
	}
	return h
}
