package catalog

import (
	"context"
	"strings"

	"qingyuan/configs"
	"qingyuan/quiz"
)

// Kept finds the banks that campaign files may refer to although they lie in no file.
func (s *Store) Kept(ctx context.Context) configs.KeptBanks {
	return func(ref string) (*quiz.Bank, bool, error) {
		if s.Banks == nil || !strings.HasPrefix(ref, BankScheme) {
			return nil, false, nil
		}
		b, err := s.Banks.Bank(ctx, ref)
		return b, true, err
	}
}
