package httpapi

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
)

// timeLayout is RFC 3339 with milliseconds and an offset.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// stamp writes a moment as the campaign's clock shows it.
func stamp(at time.Time, zone *time.Location) string {
	if zone != nil {
		at = at.In(zone)
	}
	return at.Format(timeLayout)
}

// appendStamp appends what stamp writes.
func appendStamp(to []byte, at time.Time, zone *time.Location) []byte {
	if zone != nil {
		at = at.In(zone)
	}
	return at.AppendFormat(to, timeLayout)
}

// stampOrNull is stamp, and null for no moment at all.
func stampOrNull(at time.Time, zone *time.Location) *string {
	if at.IsZero() {
		return nil
	}
	return new(stamp(at, zone))
}

// send writes v as the answer.
func (k *call) send(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	k.Response().Header.SetContentType(jsonType)
	k.Status(status).Response().SetBodyRaw(body)
	return nil
}

// campaign finds the campaign that the path names.
func (s *Server) campaign(k *call) (*campaign.Campaign, error) {
	return s.Catalog.Campaign(k.Params("campaign"))
}

// unitName is what a unit is called in lang, "" for one that left the tree.
func unitName(c *campaign.Campaign, id, lang string) string {
	if id == campaign.Unassigned {
		return unassignedName
	}
	if n, ok := c.Tree.Node(id); ok {
		return n.Name.In(lang)
	}
	return ""
}

// nameWithin is a unit's name behind that of what it lies in, unless it says so itself:
// every school has a first class.
func nameWithin(c *campaign.Campaign, id, lang string) string {
	name, path := unitName(c, id, lang), c.Tree.Path(id, lang)
	if len(path) == 0 || strings.HasPrefix(name, path[len(path)-1]) {
		return name
	}
	return path[len(path)-1] + " " + name
}

// unassignedName is what package leaderboard calls the row of those without a
// unit.
const unassignedName = "未分配"

// lang is the language asked for. A campaign's texts fall back by themselves.
func (k *call) lang() string {
	l := k.Query("lang")
	if l == "" || len(l) > maxTag {
		return campaign.DefaultLanguage
	}
	return l
}

// maxTag is the longest language tag that is looked at.
const maxTag = 35

// status200 or 201: a repeat found what was there.
func created(fresh bool) int {
	if fresh {
		return fiber.StatusCreated
	}
	return fiber.StatusOK
}
