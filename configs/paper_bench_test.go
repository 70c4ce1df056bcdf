package configs_test

import (
	"testing"

	"qingyuan/configs"
	"qingyuan/quiz"
)

// BenchmarkPaper times what starting and handing in cost apart from the store: on
// the demonstration's bank, twenty questions.
func BenchmarkPaper(b *testing.B) {
	demo, err := configs.Demo()
	if err != nil {
		b.Fatal(err)
	}
	bank, rules := demo[0].Bank, demo[0].Quiz
	paper, err := quiz.Draw(bank, rules, "public", "2026-06-10", 1)
	if err != nil {
		b.Fatal(err)
	}
	sheet, err := paper.Sheet(bank)
	if err != nil {
		b.Fatal(err)
	}
	pool := quiz.NewPool(bank, rules, "public", "2026-06-10")
	answers := quiz.Answers{}
	for _, q := range sheet.Questions {
		answers[q.ID] = []string{q.Options[0].ID}
	}
	for name, act := range map[string]func() error{
		"draw from a pool": func() error { _, err := pool.Draw(7); return err },
		"draw":             func() error { _, err := quiz.Draw(bank, rules, "public", "2026-06-10", 7); return err },
		"sheet":            func() error { _, err := paper.Sheet(bank); return err },
		"read":             func() error { _, err := paper.Read(bank, answers); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := act(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
