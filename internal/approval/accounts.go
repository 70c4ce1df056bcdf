package approval

import (
	"context"
	"encoding/json"
	"fmt"

	"qingyuan/campaign"
	"qingyuan/internal/operator"
)

// The kinds of this package: rights that lead to changes of results (ADR 14).
const (
	KindGrant = "operator.grant"
	KindReset = "operator.reset"
)

// ResetParams are what an approved reset is about.
type ResetParams struct {
	Operator string `json:"operator"`
}

// GrantParams are what an approved grant is about.
type GrantParams struct {
	Operator string        `json:"operator"`
	Role     operator.Role `json:"role"`
	Campaign string        `json:"campaign"`
	Scope    string        `json:"scope"`
}

func (p GrantParams) grant() operator.Grant {
	return operator.Grant{Role: p.Role, Campaign: p.Campaign, Scope: p.Scope}
}

// Accounts returns the kinds that give a role which decides over results or accounts,
// and that let somebody reset an account which has one.
func Accounts(o *operator.Service) []Kind {
	grant := on(KindGrant, o, func(ctx context.Context, by operator.Actor, p GrantParams) error {
		return o.MayGrant(ctx, by, p.Operator, p.grant())
	}, func(ctx context.Context, asker operator.Actor, p GrantParams, a Approval) error {
		_, err := o.GrantApproved(ctx, asker, p.Operator, p.grant(), a.Reason)
		return err
	})
	reset := on(KindReset, o, func(ctx context.Context, by operator.Actor, p ResetParams) error {
		return o.MayReset(ctx, by, p.Operator)
	}, func(ctx context.Context, asker operator.Actor, p ResetParams, _ Approval) error {
		return o.LetReset(ctx, asker, p.Operator)
	})
	return []Kind{grant, reset}
}

// on makes a kind about an account, whose params are a P. It is run with the rights
// that the asker has by then.
func on[P any](name string, o *operator.Service,
	reach func(context.Context, operator.Actor, P) error, run func(context.Context, operator.Actor, P, Approval) error,
) Kind {
	return Kind{
		Name: name, Asks: operator.ManageOperators, Approves: operator.ManageOperators,
		Reach: func(ctx context.Context, by operator.Actor, _ operator.Action, _ *campaign.Campaign, params json.RawMessage) error {
			p, err := readParams[P](params)
			if err != nil {
				return err
			}
			return reach(ctx, by, p)
		},
		Run: func(ctx context.Context, a Approval) (json.RawMessage, error) {
			p, err := readParams[P](a.Params)
			if err != nil {
				return nil, err
			}
			asker, err := o.ByID(ctx, a.AskedBy)
			if err != nil {
				return nil, err
			}
			return nil, run(ctx, asker, p, a)
		},
	}
}

func readParams[P any](raw json.RawMessage) (P, error) {
	var p P
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, fmt.Errorf("read the params of an approval: %w", err)
	}
	return p, nil
}
