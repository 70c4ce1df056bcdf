package operator

import "qingyuan/internal/fault"

// Errors of rights. The text never says what is there for others to see.
var (
	// ErrSignIn is a request without a session, or with one that has ended.
	ErrSignIn = fault.New(fault.Unauthenticated, "operator.sign_in", "请登录管理后台")
	// ErrForbidden is an action that none of the operator's roles grants.
	ErrForbidden = fault.New(fault.Forbidden, "operator.forbidden", "您没有进行此操作的权限")
	// ErrTwoFactor asks for a second factor before results may be changed.
	ErrTwoFactor = fault.New(fault.Forbidden, "operator.two_factor", "此操作需要使用动态口令登录后进行")
	// ErrMustChange asks for a new password before anything else.
	ErrMustChange = fault.New(fault.Forbidden, "operator.password_change", "请先修改密码")
)

// Errors of signing in. Which part was wrong is not told.
var (
	ErrSignInFailed = fault.New(fault.Unauthenticated, "operator.sign_in_failed", "用户名、密码或动态口令不正确")
	// ErrCodeRequired is a password that is right, of an account with a second factor.
	ErrCodeRequired = fault.New(fault.Unauthenticated, "operator.code_required", "请输入动态口令")
	// ErrLocked says when to try again. It is told of logins that nobody has, too.
	ErrLocked = fault.New(fault.Limited, "operator.locked", "登录失败次数过多，请稍后再试")
	// ErrBusy is a sign-in behind too many others.
	ErrBusy = fault.New(fault.Unavailable, "operator.busy", "登录的人较多，请稍后再试")
)

// Errors of accounts.
var (
	ErrUnknown = fault.New(fault.NotFound, "operator.not_found", "没有这个账号")
	// ErrLoginTaken is a login that somebody else has, or had.
	ErrLoginTaken = fault.New(fault.Conflict, "operator.login_taken", "该用户名已被使用")
	// ErrPassword is a password that breaks the rules; Fields says which.
	ErrPassword = fault.New(fault.Invalid, "operator.password_weak", "密码不符合要求")
	// ErrWrongPassword is a wrong old password of somebody who is signed in.
	ErrWrongPassword = fault.New(fault.Forbidden, "operator.password_wrong", "原密码不正确")
	// ErrCode is a code of the second factor that is wrong, or was used before.
	ErrCode = fault.New(fault.Forbidden, "operator.code_wrong", "动态口令不正确，或已使用过")
	// ErrSecretThere is a second factor that exists, or one to confirm that does not.
	ErrSecretThere = fault.New(fault.Conflict, "operator.totp_state", "动态口令的状态已变化，请刷新后重试")
	// ErrLastSystem keeps a deployment from locking itself out.
	ErrLastSystem = fault.New(fault.Conflict, "operator.last_system", "这是最后一个系统管理员，不能停用或撤销")
	// ErrRoles are roles that one account must not have together.
	ErrRoles = fault.New(fault.Conflict, "operator.roles_conflict", "系统管理员与审计员不得兼任其他角色")
	// ErrBeyond is an account or a grant that reaches further than the operator's own
	// rights.
	ErrBeyond = fault.New(fault.Forbidden, "operator.beyond", "超出您自己的管理范围")
	// ErrSelf is something that nobody does for themselves.
	ErrSelf = fault.New(fault.Conflict, "operator.self", "不能对自己的账号进行此操作")
	// ErrSecondPerson is an act that has to be asked for, and approved by somebody else.
	ErrSecondPerson = fault.New(fault.Conflict, "operator.second_person", "此操作须经另一位管理员批准")
)
