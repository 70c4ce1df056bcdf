package main

import (
	"time"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/inbox"
	"qingyuan/internal/offline"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
)

// labelFeedback is the key by which repeats of a message are known; see those in
// services.go.
const labelFeedback = "feedback mark"

// newInbox keeps what participants write to the office.
func newInbox(cfg configs.Config, db *sqldb.DB, s secrecy, find func(string) (*campaign.Campaign, error), now func() time.Time) *inbox.Service {
	return &inbox.Service{DB: db, Box: s.box, Key: seal.Derive(cfg.Secrets.Master.Key(), labelFeedback), Campaign: find, Now: now}
}

// newOffline counts the pledges on paper.
func newOffline(db *sqldb.DB, find func(string) (*campaign.Campaign, error), now func() time.Time) *offline.Service {
	return &offline.Service{DB: db, Campaign: find, Now: now}
}
