#!/bin/sh
# miniprogram.sh PROGRAM: runs the tests of clients/miniprogram against that program.
set -eu

cd "$(dirname "$0")/../clients/miniprogram"

# Packages are installed as package-lock.json has them; npm leaves a list of its own.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
	echo "miniprogram: installing the packages of package-lock.json" >&2
	npm ci --prefer-offline --no-audit --no-fund --loglevel=error
	touch node_modules/.package-lock.json
fi
PROGRAM="$1" npm test --silent
