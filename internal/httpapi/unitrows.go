package httpapi

import (
	"qingyuan/internal/fault"
	"qingyuan/leaderboard"
)

func readMetric(k *call) (leaderboard.UnitMetric, error) {
	m := leaderboard.UnitMetric(k.Query("metric", string(leaderboard.ByParticipation)))
	if !m.Known() {
		return "", fault.InvalidField("metric", "应为 participation、average、bayes、sum、pass、full、signatures 或 composite")
	}
	return m, nil
}
