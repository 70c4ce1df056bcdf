package operator

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"qingyuan/internal/fault"
	"qingyuan/internal/sqldb"
)

func (g Grant) place() Place { return Place{g.Campaign, g.Scope} }

// covers tells whether the actor may keep the accounts of the whole of a place. What
// lies below what is known for one campaign, by its tree; over all campaigns only for
// everything and for the very same scope.
func (s *Service) covers(by Actor, p Place) bool {
	for g := range by.granting(ManageOperators, p.Campaign) {
		if g.Scope == "" || g.Scope == p.Scope || p.Campaign != "" && s.within(p, g.Scope) {
			return true
		}
	}
	return false
}

func (s *Service) within(p Place, scope string) bool {
	c, err := s.o.Campaign(p.Campaign)
	if err != nil {
		return false
	}
	id, ok := locate(c.Tree, p.Scope)
	return ok && below(c.Tree, id, scope)
}

// check refuses a grant of something that does not exist.
func (s *Service) check(g Grant) error {
	if !g.Role.Known() {
		return fault.InvalidField("role", "没有这个角色")
	}
	if len(g.Scope) > mostText {
		return fault.InvalidField("scope", "内容过长")
	}
	if g.Campaign == "" {
		if g.Scope != "" && (len(g.Scope) > 12 || strings.Trim(g.Scope, "0123456789") != "") {
			return fault.InvalidField("scope", "适用于所有活动时，应为行政区划代码")
		}
		return nil
	}
	c, err := s.o.Campaign(g.Campaign)
	if err != nil {
		return fault.InvalidField("campaign", "没有这个活动").Because(err)
	}
	if _, ok := locate(c.Tree, g.Scope); g.Scope != "" && !ok {
		return fault.InvalidField("scope", "活动中没有这个地区或单位")
	}
	return nil
}

// Grant gives an account a role. One that decides over results, or over accounts, is
// given by the console or after a second person has approved: ErrSecondPerson.
func (s *Service) Grant(ctx context.Context, by Actor, id string, g Grant, reason string) (Account, error) {
	if g.Role.Deciding() && !by.IsConsole() {
		if err := s.MayGrant(ctx, by, id, g); err != nil {
			return Account{}, err
		}
		return Account{}, ErrSecondPerson
	}
	return s.GrantApproved(ctx, by, id, g, reason)
}

// MayGrant tells whether the actor might give the role, were it approved: nobody shall
// be asked about what cannot be.
func (s *Service) MayGrant(ctx context.Context, by Actor, id string, g Grant) (err error) {
	defer mend(&err)
	_, err = s.grantable(ctx, s.o.DB, by, id, g)
	return err
}

// GrantApproved is Grant once a second person has approved it. It may be repeated.
func (s *Service) GrantApproved(ctx context.Context, by Actor, id string, g Grant, reason string) (_ Account, err error) {
	defer mend(&err)
	var r row
	err = s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hold(ctx, tx); err != nil {
			return err
		}
		if r, err = s.grantable(ctx, tx, by, id, g); err != nil {
			return err
		}
		before := listed(r.Grants)
		if _, err := tx.ExecContext(ctx, `INSERT INTO operator_grants (operator, role, campaign, scope) VALUES ($1, $2, $3, $4)
			ON CONFLICT (operator, role, campaign, scope) DO NOTHING`, id, string(g.Role), g.Campaign, g.Scope); err != nil {
			return err
		}
		if r.Grants, err = grantsOf(ctx, tx, id); err != nil {
			return err
		}
		return remember(ctx, tx, by, s.o.Now(), noted{"operator.grant", id, g.Campaign, reason, before, listed(r.Grants)})
	})
	s.seen.forget()
	if err != nil {
		return Account{}, fmt.Errorf("grant %s to %s: %w", g.Role, id, err)
	}
	return r.Account, nil
}

// grantable reads the account if the actor may give it the role.
func (s *Service) grantable(ctx context.Context, q sqldb.Reader, by Actor, id string, g Grant) (row, error) {
	if err := s.check(g); err != nil {
		return row{}, err
	}
	r, err := s.manageable(ctx, q, by, id)
	if err != nil {
		return row{}, err
	}
	if !s.covers(by, g.place()) {
		return row{}, ErrBeyond
	}
	if slices.ContainsFunc(r.Grants, func(had Grant) bool {
		return had.Role != g.Role && (had.Role.Exclusive() || g.Role.Exclusive())
	}) {
		return row{}, ErrRoles
	}
	return r, nil
}

// Revoke takes a role away. One that is not there is no error: a repeat is not.
func (s *Service) Revoke(ctx context.Context, by Actor, id string, g Grant, reason string) (_ Account, err error) {
	defer mend(&err)
	var r row
	err = s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hold(ctx, tx); err != nil {
			return err
		}
		if r, err = s.manageable(ctx, tx, by, id); err != nil {
			return err
		}
		if g == (Grant{Role: System}) {
			if err := s.keepASystem(ctx, tx, id); err != nil {
				return err
			}
		}
		before := listed(r.Grants)
		if _, err := tx.ExecContext(ctx, `DELETE FROM operator_grants WHERE operator = $1 AND role = $2 AND campaign = $3 AND scope = $4`,
			id, string(g.Role), g.Campaign, g.Scope); err != nil {
			return err
		}
		if r.Grants, err = grantsOf(ctx, tx, id); err != nil {
			return err
		}
		return remember(ctx, tx, by, s.o.Now(), noted{"operator.revoke", id, g.Campaign, reason, before, listed(r.Grants)})
	})
	s.seen.forget()
	if err != nil {
		return Account{}, fmt.Errorf("revoke %s from %s: %w", g.Role, id, err)
	}
	return r.Account, nil
}

// listed writes grants for the audit log.
func listed(all []Grant) []map[string]string {
	out := make([]map[string]string, len(all))
	for i, g := range all {
		out[i] = map[string]string{"role": string(g.Role), "campaign": g.Campaign, "scope": g.Scope}
	}
	return out
}
