#!/bin/sh
# film.sh film: films a newcomer's way on a phone and the big screen while PARTICIPANTS
# (20000) people take part; film.sh soak: leaves the big screen standing for MINUTES (60)
# and weighs its heap. Both run bin/qingyuan on a folder of their own, and leave pictures
# and report.json in web/shots/film and web/shots/soak.
#
# Exit status: 0 when all was as it must be, 1 when it was not.
set -eu

case ${1-} in
film | soak) ;;
*)
	printf 'usage: film.sh film | soak\n' >&2
	exit 1
	;;
esac

cd "$(dirname "$0")/../web"
exec npm run --silent "$1"
