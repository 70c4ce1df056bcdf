#!/bin/sh
# need.sh NAME...: makes sure that the programs behind these names can be run,
# and installs what is missing: with apt-get on Debian and Ubuntu, with brew on
# macOS.
#
#   redis      redis-server, 7.0 or newer
#   postgres   initdb and postgres, 15 or newer
#   gcc        a C compiler with its headers
#   strace     strace
#   nginx      nginx
#   ext4       mkfs.ext4
#   node       node, 20.19 or newer; never installed, because Debian's is too old
#   chromium   Chromium, to look at the pages with
#   han        a typeface with Chinese characters
#   tibetan    a typeface with Tibetan ones
#
# Only the programs are wanted. Qingyuan and its tests start private servers of
# their own, so the services that Debian's packages bring along are neither
# started now nor at the next boot, and no PostgreSQL cluster is made. What was
# already installed is left exactly as it is.
#
# Exit status: 0 when all can be run, 1 when one cannot be had.
set -eu

# The oldest major versions that Qingyuan and its tests work with.
redis_floor=7
postgres_floor=15
# What the build of the pages asks for, as major and minor together.
node_floor=2019

# Debian keeps some programs off the path of ordinary users.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

policy=/usr/sbin/policy-rc.d
policy_is_ours=no
# Read by Debian's PostgreSQL before it makes a first cluster.
clusters=/etc/postgresql-common/createcluster.d/zz-qingyuan.conf
clusters_is_ours=no

say() { printf 'need: %s\n' "$*" >&2; }

die() {
	say "$@"
	exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

is_root() { [ "$(id -u)" -eq 0 ]; }

as_root() {
	if is_root; then "$@"; else sudo "$@"; fi
}

# postgres_program prints the path of the postgres that the tests take: the one
# beside the first initdb on the path, or the newest where Debian and Homebrew
# put them.
postgres_program() {
	if have initdb; then
		beside=$(dirname "$(readlink -f "$(command -v initdb)")")/postgres
		if [ -x "$beside" ]; then
			echo "$beside"
			return 0
		fi
	fi
	for program in /usr/lib/postgresql/*/bin/postgres \
		/opt/homebrew/opt/postgresql@*/bin/postgres /usr/local/opt/postgresql@*/bin/postgres; do
		[ ! -x "$program" ] || echo "$(echo "$program" | tr -dc 0-9) $program"
	done | sort -n | tail -n 1 | cut -d ' ' -f 2-
}

# typeface LANGUAGE FILE says whether a typeface has a language's characters, or the
# file that Debian's package brings is there. macOS has them all.
typeface() {
	[ "$(uname)" != Darwin ] || return 0
	[ ! -e "/usr/share/fonts/$2" ] || return 0
	have fc-list && [ -n "$(fc-list ":lang=$1" family)" ]
}

# present says whether what a name stands for is here, of whatever version.
present() {
	case $1 in
	redis) have redis-server ;;
	postgres) [ -n "$(postgres_program)" ] ;;
	gcc) have gcc && printf '#include <stdio.h>\n' | gcc -E -x c - >/dev/null 2>&1 ;;
	strace) have strace ;;
	nginx) have nginx ;;
	ext4) have mkfs.ext4 ;;
	node) have node || die "node is missing, version 20.19 or newer: see https://nodejs.org" ;;
	chromium) have chromium || [ -x '/Applications/Chromium.app/Contents/MacOS/Chromium' ] ;;
	han) typeface zh-cn 'opentype/noto/NotoSansCJK-Regular.ttc' ;;
	tibetan) typeface bo 'truetype/ddc-uchen/DDC_Uchen.ttf' ;;
	*) die "nobody knows the name $1" ;;
	esac
}

# at_least NAME FLOOR LINE VERSION refuses a program that lacks what is relied on.
at_least() {
	[ -n "$4" ] || die "cannot read the version of $1: $3"
	[ "$4" -ge "$2" ] || die "$1 is too old, version $2 or newer is needed: $3"
}

check_version() {
	case $1 in
	redis) # Valkey under the name redis-server answers in the same form.
		line=$(redis-server --version) || die "redis-server is on the PATH but does not run"
		at_least redis-server "$redis_floor" "$line" \
			"$(printf '%s\n' "$line" | sed -n 's/.* v=\([0-9][0-9]*\)\..*/\1/p')"
		;;
	node)
		line=$(node --version) || die "node is on the PATH but does not run"
		at_least node "$node_floor" "$line (20.19 is wanted)" \
			"$(printf '%s\n' "$line" | sed -n 's/^v\([0-9]*\)\.\([0-9]*\)\..*/\1 \2/p' | awk '{ printf "%d%02d", $1, $2 }')"
		;;
	postgres)
		line=$("$(postgres_program)" --version) || die "postgres is here but does not run"
		at_least postgres "$postgres_floor" "$line" \
			"$(printf '%s\n' "$line" | sed -n 's/^[^0-9]*\([0-9][0-9]*\).*/\1/p')"
		;;
	esac
}

apt_packages() {
	case $1 in
	redis) echo redis-server ;;
	postgres) echo postgresql ;;
	gcc) echo gcc libc6-dev ;;
	ext4) echo e2fsprogs ;;
	han) echo fonts-noto-cjk ;;
	tibetan) echo fonts-ddc-uchen ;;
	*) echo "$1" ;;
	esac
}

brew_formula() {
	case $1 in
	redis) echo redis ;;
	postgres) echo postgresql@17 ;;
	nginx) echo nginx ;;
	chromium) echo --cask chromium ;;
	*) die "$1 is missing, and there is none for this system: these tests need Linux" ;;
	esac
}

# services are what the packages of a name would start.
services() {
	case $1 in
	redis) echo redis-server ;;
	postgres) echo postgresql ;;
	nginx) echo nginx ;;
	esac
}

# apt_get never asks a question, and waits for another apt-get to finish.
apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"
}

# forbid_start keeps Debian's packages from starting services and from making a
# cluster. A policy that is already there is the administrator's and stays.
forbid_start() {
	if [ ! -e "$policy" ]; then
		policy_is_ours=yes
		as_root tee "$policy" >/dev/null <<'POLICY'
#!/bin/sh
# Temporary: servers are being installed for their programs only.
for word in "$@"; do
	case $word in redis-server* | postgresql* | nginx*) exit 101 ;; esac
done
exit 0
POLICY
		as_root chmod 755 "$policy"
	fi
	if [ ! -e "$clusters" ]; then
		clusters_is_ours=yes
		as_root mkdir -p "$(dirname "$clusters")"
		echo 'create_main_cluster = false' | as_root tee "$clusters" >/dev/null
	fi
}

lift_policy() {
	if [ "$policy_is_ours" = yes ]; then
		policy_is_ours=no
		as_root rm -f "$policy"
	fi
	if [ "$clusters_is_ours" = yes ]; then
		clusters_is_ours=no
		as_root rm -f "$clusters"
		# The folder goes too where it was made here; else it is not empty.
		as_root rmdir "$(dirname "$clusters")" "$(dirname "$(dirname "$clusters")")" 2>/dev/null || true
	fi
}

# disable_service undoes what a package's installation arranged for the next
# boot, and stops the service where an administrator's policy let it start. It
# was not there before, so nobody can be using it.
disable_service() {
	if [ -d /run/systemd/system ]; then
		as_root systemctl --quiet disable --now "$1.service" || true
		return 0
	fi
	# Without systemd these may be missing, or have nothing to do.
	as_root env PATH="$PATH" update-rc.d "$1" disable >/dev/null 2>&1 || true
	as_root env PATH="$PATH" service "$1" stop >/dev/null 2>&1 || true
}

# with_apt NAME... installs the packages of names that are missing.
with_apt() {
	packages=$(for name in "$@"; do apt_packages "$name"; done | tr '\n' ' ')
	is_root || have sudo || die "missing: $*; as root, run: apt-get install $packages"
	say "installing the Debian packages ${packages% } (no service will be started)"

	trap lift_policy EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM

	updated=no
	for package in $packages; do
		if [ "$updated" = no ] && ! apt-cache show "$package" >/dev/null 2>&1; then
			# A fresh machine or image has no package lists.
			apt_get update || die "apt-get update failed; the packages wanted are $packages"
			updated=yes
		fi
	done
	forbid_start
	# shellcheck disable=SC2086
	if ! apt_get install --no-install-recommends $packages; then
		[ "$updated" = no ] || die "apt-get could not install $packages"
		# Old lists name versions that the mirrors no longer hold.
		apt_get update || die "apt-get update failed; the packages wanted are $packages"
		# shellcheck disable=SC2086
		apt_get install --no-install-recommends $packages || die "apt-get could not install $packages"
	fi
	for name in "$@"; do
		for service in $(services "$name"); do disable_service "$service"; done
	done
	lift_policy
}

with_brew() {
	for name in "$@"; do
		formula=$(brew_formula "$name")
		say "installing the Homebrew formula $formula (its service will not be started)"
		# shellcheck disable=SC2086 # a cask is two words
		brew install $formula || die "brew could not install the formula $formula"
	done
}

missing=
for name in "$@"; do
	present "$name" || missing="$missing $name"
done
if [ -n "$missing" ]; then
	# shellcheck disable=SC2086 # they are several words
	if have apt-get; then
		with_apt $missing
	elif have brew; then
		with_brew $missing
	else
		die "missing:$missing; neither apt-get nor brew is here to install it"
	fi
	hash -r
fi
for name in "$@"; do
	present "$name" || die "the package is installed, but $name is not on the PATH"
	check_version "$name"
done
