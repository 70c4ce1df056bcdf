#!/bin/sh
# Makes sure that a redis-server program is on the PATH, and installs one where
# there is none: with apt-get on Debian and Ubuntu, with brew on macOS.
#
# Only the program is wanted. Qingyuan and its tests start private servers of
# their own, so the service that Debian's package brings along is neither
# started now nor at the next boot. A Redis that was already installed is left
# exactly as it is.
#
# Exit status: 0 when redis-server can be run, 1 when it cannot be had.
set -eu

# The oldest major version that Qingyuan works with.
floor=7

policy=/usr/sbin/policy-rc.d
policy_is_ours=no

say() { printf 'need-redis: %s\n' "$*" >&2; }

die() {
	say "$@"
	exit 1
}

is_root() { [ "$(id -u)" -eq 0 ]; }

as_root() {
	if is_root; then "$@"; else sudo "$@"; fi
}

# apt_get never asks a question, and waits for another apt-get to finish.
apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"
}

# forbid_start keeps Debian's package from starting its service. A policy that
# is already there is the administrator's and stays.
forbid_start() {
	[ ! -e "$policy" ] || return 0
	policy_is_ours=yes
	as_root tee "$policy" >/dev/null <<'POLICY'
#!/bin/sh
# Temporary: redis-server is being installed for its program only.
for word in "$@"; do
	case $word in redis-server*) exit 101 ;; esac
done
exit 0
POLICY
	as_root chmod 755 "$policy"
}

lift_policy() {
	[ "$policy_is_ours" = yes ] || return 0
	policy_is_ours=no
	as_root rm -f "$policy"
}

# disable_service undoes what the package's installation arranged for the next
# boot, and stops the service where an administrator's policy let it start. It
# was not there before, so nobody can be using it.
disable_service() {
	if [ -d /run/systemd/system ]; then
		as_root systemctl --quiet disable --now redis-server.service || true
		return 0
	fi
	# Without systemd these may be missing, or have nothing to do.
	sbin=$PATH:/usr/sbin:/sbin
	as_root env PATH="$sbin" update-rc.d redis-server disable >/dev/null 2>&1 || true
	as_root env PATH="$sbin" service redis-server stop >/dev/null 2>&1 || true
}

with_apt() {
	is_root || command -v sudo >/dev/null 2>&1 ||
		die "redis-server is missing; as root, run: apt-get install redis-server"
	say "installing the Debian package redis-server (its service will not be started)"

	trap lift_policy EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM

	updated=no
	if ! apt-cache show redis-server >/dev/null 2>&1; then
		# A fresh machine or image has no package lists.
		apt_get update || die "apt-get update failed; the package wanted is redis-server"
		updated=yes
	fi
	forbid_start
	if ! apt_get install --no-install-recommends redis-server; then
		[ "$updated" = no ] || die "apt-get could not install the package redis-server"
		# Old lists name versions that the mirrors no longer hold.
		apt_get update || die "apt-get update failed; the package wanted is redis-server"
		apt_get install --no-install-recommends redis-server ||
			die "apt-get could not install the package redis-server"
	fi
	disable_service
	lift_policy
}

with_brew() {
	say "installing the Homebrew formula redis (its service will not be started)"
	brew install redis || die "brew could not install the formula redis"
}

# check_version refuses a server that lacks what the scripts rely on. Valkey
# under the name redis-server answers in the same form.
check_version() {
	line=$(redis-server --version) || die "redis-server is on the PATH but does not run"
	major=$(printf '%s\n' "$line" | sed -n 's/.* v=\([0-9][0-9]*\)\..*/\1/p')
	[ -n "$major" ] || die "cannot read the version of redis-server: $line"
	[ "$major" -ge "$floor" ] ||
		die "redis-server is too old, version $floor.0 or newer is needed: $line"
}

if ! command -v redis-server >/dev/null 2>&1; then
	if command -v apt-get >/dev/null 2>&1; then
		with_apt
	elif command -v brew >/dev/null 2>&1; then
		with_brew
	else
		die "redis-server is missing, and neither apt-get nor brew is here to install it;" \
			"install the package that holds it (redis-server, redis or valkey-redis-compat), version $floor.0 or newer"
	fi
	hash -r
	command -v redis-server >/dev/null 2>&1 || die "the package is installed, but redis-server is not on the PATH"
fi
check_version
