#!/bin/sh
# web.sh build: builds the pages into web/dist, where Node is at hand and something
# has changed since; without Node it says so, and the program is built without them.
# web.sh test: checks the types and runs the tests, the last ones in browsers
# against bin/qingyuan.
#
# Exit status: 0 when it went well or nothing could be built, 1 when it failed.
set -eu

cd "$(dirname "$0")/../web"

say() { printf 'web: %s\n' "$*" >&2; }

# What Vite asks for.
has_node() {
	command -v node >/dev/null 2>&1 && node -e '
		const [major, minor] = process.versions.node.split(".").map(Number)
		process.exit((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22 ? 0 : 1)'
}

# packages are installed as package-lock.json has them; npm leaves a list of its own.
packages() {
	[ ! node_modules/.package-lock.json -nt package-lock.json ] || return 0
	say "installing the packages of package-lock.json"
	npm ci --prefer-offline --no-audit --no-fund --loglevel=error
	touch node_modules/.package-lock.json
}

# stale says whether something that the pages are made of is newer than they are.
stale() {
	[ -f dist/index.html ] || return 0
	[ -n "$(find index.html screen.html draws.html console.html package-lock.json vite.config.ts src plugins scripts public \
		../internal/httpapi/openapi.yaml -type f ! -name schema.gen.ts -newer dist/index.html -print -quit)" ]
}

# beside runs one command while another works, which is told as it goes and the first when
# it has ended: neither takes all processors for itself.
beside() {
	said=$(mktemp)
	npm run --silent "$1" >"$said" 2>&1 &
	first=$!
	trap 'kill "$first" 2>/dev/null || true; rm -f "$said"' EXIT
	status=0
	npm run --silent "$2" || status=1
	wait "$first" || status=1
	cat "$said"
	rm -f "$said"
	return "$status"
}

case ${1-} in
build)
	if ! has_node; then
		say "Node 20.19 or newer is not here: the pages are not built, the program serves the API alone"
		exit 0
	fi
	packages
	stale || exit 0
	npm run --silent build -- --logLevel warn
	;;
test)
	packages
	beside check test
	beside test:alone test:browser
	;;
*)
	say "usage: web.sh build | test"
	exit 1
	;;
esac
