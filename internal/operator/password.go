package operator

import (
	"context"
	"crypto/rand"
	"database/sql"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"qingyuan/internal/fault"
)

// The rules of passwords (GB/T 22239, 8.1.4.1: complexity, and change at intervals).
const (
	leastPassword = 10  // characters
	mostPassword  = 128 // bytes: stretching takes longer with more
	leastClasses  = 3   // of small letters, capital letters, digits and anything else
	passwordsKept = 5   // that must not come again, the present one among them
)

// checkPassword names every rule that a new password breaks.
func checkPassword(login, password string) error {
	var reasons []string
	if utf8.RuneCountInString(password) < leastPassword {
		reasons = append(reasons, "至少 10 个字符")
	}
	if len(password) > mostPassword {
		reasons = append(reasons, "不超过 128 字节")
	}
	if !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl) {
		reasons = append(reasons, "不得含有控制字符")
	}
	if classes(password) < leastClasses {
		reasons = append(reasons, "大写字母、小写字母、数字、其他字符中至少三类")
	}
	if len(login) >= 3 && strings.Contains(strings.ToLower(password), login) {
		reasons = append(reasons, "不得包含用户名")
	}
	if common(password) {
		reasons = append(reasons, "过于常见，容易被猜到")
	}
	return broken(reasons)
}

func broken(reasons []string) error {
	if len(reasons) == 0 {
		return nil
	}
	f := ErrPassword
	for _, r := range reasons {
		f = f.WithFields(fault.Field{Name: "password", Reason: r})
	}
	return f
}

// classes counts which kinds of characters there are.
func classes(password string) int {
	var lower, upper, digit, other int
	for _, r := range password {
		switch {
		case unicode.IsLower(r):
			lower = 1
		case unicode.IsUpper(r):
			upper = 1
		case unicode.IsDigit(r):
			digit = 1
		default:
			other = 1
		}
	}
	return lower + upper + digit + other
}

// common tells whether what is left of a password, without the digits and signs that
// people put around a word to satisfy a rule, is one of the words that are tried first.
func common(password string) bool {
	word := strings.ToLower(password)
	core := strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) })
	return slices.ContainsFunc([]string{letters(word), letters(unleet.Replace(word)), letters(unleet.Replace(core))}, func(left string) bool {
		return left == "" || slices.Contains(firstTried, left)
	})
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, s)
}

// unleet undoes the usual exchange of letters for signs.
var unleet = strings.NewReplacer("@", "a", "4", "a", "0", "o", "1", "i", "!", "i", "3", "e", "$", "s", "5", "s", "7", "t")

// firstTried are words that lists of guesses begin with, and those that come to mind
// at an office against drugs.
var firstTried = strings.Fields(`
	a aa aaa abc abcd abcde abcdef abcabc admin administrator adminadmin root toor user guest test testtest demo
	password passw passwd passwordpassword pass pwd pwdpwd secret letmein welcome welcomeback login master superman
	iloveyou iloveu sunshine princess dragon monkey football baseball shadow hello helloworld changeme default
	q qq qqq qw qwe qwer qwert qwerty qwertyuiop qwerasdf qwerasdfzxcv qweasd qweasdzxc qaz qazwsx qazwsxedc qazxsw
	asd asdf asdfgh asdfghjkl zxc zxcv zxcvbn zxcvbnm zaq zaqxsw wsx
	woaini woaiwojia aini nihao zhongguo woaizhongguo china beijing shanghai guangzhou shenzhen shanxi taiyuan
	jinzhong hunan yunnan kunming
	jindu jinduban jinduwei jinducn antidrug drug drugs nodrug nodrugs gongan police jingcha qingyuan xuanchuan
	mima xitong guanliyuan yonghu huawei lenovo company office
`)

// checkHistory refuses a password that the account had lately. Comparing is slow on
// purpose, so it is done before the transaction.
func (s *Service) checkHistory(ctx context.Context, r row, password string) error {
	hashes, err := s.earlier(ctx, r.ID)
	if err != nil {
		return err
	}
	for _, h := range append([]string{r.password}, hashes...) {
		if h == "" {
			continue
		}
		same, _, err := s.hasher.matches(ctx, password, h)
		if err != nil {
			return err
		}
		if same {
			return broken([]string{"不得与最近 5 次使用的密码相同"})
		}
	}
	return nil
}

// earlier returns the passwords before the present one, the newest first.
func (s *Service) earlier(ctx context.Context, id string) ([]string, error) {
	rows, err := s.o.DB.QueryContext(ctx,
		`SELECT password FROM operator_passwords WHERE operator = $1 ORDER BY at DESC LIMIT $2`, id, passwordsKept-1)
	return collect(rows, err, func(h *string) []any { return []any{h} })
}

// setPassword puts a new password into place and the old one into the history.
func setPassword(ctx context.Context, tx *sql.Tx, r row, hash string, mustChange bool, now int64) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO operator_passwords (operator, at, password) VALUES ($1, $2, $3)
		ON CONFLICT (operator, at) DO NOTHING`, r.ID, r.passwordAt, r.password); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM operator_passwords WHERE operator = $1 AND at NOT IN
		(SELECT at FROM operator_passwords WHERE operator = $1 ORDER BY at DESC LIMIT $2)`, r.ID, passwordsKept-1); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE operators SET password = $1, password_at = $2, must_change = $3 WHERE id = $4`,
		hash, max(now, r.passwordAt+1), flag(mustChange), r.ID)
	return err
}

// oncePassword makes a password to be used once and shown once: 20 characters of 32,
// in groups that can be read out, with the three classes that are asked for.
func oncePassword() string {
	raw := rand.Text()
	return strings.Join([]string{raw[:5], strings.ToLower(raw[5:10]), raw[10:15], strings.ToLower(raw[15:20])}, "-")
}
