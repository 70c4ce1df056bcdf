//go:build chaos

package chaos

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	camp "qingyuan/campaign"
	"qingyuan/internal/redisstore"
)

// stores are the program's own stores on one Redis, as in a server.
type stores struct {
	db         *redis.Client
	campaigns  *redisstore.Campaigns
	enrolments *redisstore.Enrolments
	signatures *redisstore.Signatures
	quiz       *redisstore.Quiz
}

// plain seals nothing: these tests look for what is lost, not for what is said.
type plain struct{}

func (plain) Seal(plaintext, _ []byte) []byte { return plaintext }

// silence keeps go-redis from writing about servers that were killed on purpose.
var silence = sync.OnceFunc(func() { redis.SetLogger(nobody{}) })

type nobody struct{}

func (nobody) Printf(context.Context, string, ...any) {}

func openStores(ctx context.Context, o *redis.Options, def *camp.Campaign) (*stores, error) {
	silence()
	o.MaxRetries, o.ContextTimeoutEnabled, o.DialerRetries = -1, true, 1
	s := &stores{db: redis.NewClient(o)}
	s.campaigns = redisstore.NewCampaigns(s.db)
	s.enrolments = redisstore.NewEnrolments(s.campaigns, plain{}, make([]byte, 32))
	s.signatures = redisstore.NewSignatures(s.campaigns, plain{})
	s.quiz = redisstore.NewQuiz(s.campaigns, func(string) (*camp.Campaign, error) { return def, nil }, time.Now)
	if err := s.campaigns.Open(ctx, def, redisstore.Known{}, time.Now()); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

// smallCampaign has two units and has long been open.
func smallCampaign(id string) (*camp.Campaign, error) {
	tree, err := camp.NewTree([]camp.Node{
		{ID: "r", Kind: camp.Region, Name: camp.Text{"zh-CN": "区"}},
		{ID: "u", Parent: "r", Kind: camp.Unit, Name: camp.Text{"zh-CN": "单位"}},
		{ID: "v", Parent: "r", Kind: camp.Unit, Name: camp.Text{"zh-CN": "另一个单位"}},
	})
	today := time.Now().UTC().Truncate(24 * time.Hour)
	return &camp.Campaign{
		ID: id, Zone: time.UTC, OpensAt: today.AddDate(0, 0, -5), ClosesAt: today.AddDate(0, 0, 5), Shards: 1, Tree: tree,
		Ranking: camp.TopN, TopN: 100, Groups: []camp.Group{{ID: "public"}}, Consent: camp.Consent{Version: "1"},
	}, err
}
