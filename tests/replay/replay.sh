#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each recording of this directory, replayed, gives its golden files to the byte, every time, for
# any user, in any time zone. `replay.sh --update` writes what it gives now into them: look at the
# difference before it is committed.
#
#	NAME/		made by record.sh
#	NAME.txt	pevent -R NAME --utc -E
#	NAME.jsonl	pevent -R NAME -j
#	NAME.stats	pevent -R NAME -q -S
set -u
: "${SRCROOT:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${PEVENT:=$SRCROOT/build/pevent}"
# shellcheck source=tests/tap.sh
. "$SRCROOT/tests/tap.sh"

here=$SRCROOT/tests/replay
schema=$SRCROOT/contrib/schema/pevent-1.schema.json
python=/usr/bin/python3		# Debian's python3-jsonschema belongs to Debian's python3
PATH=$PATH:/usr/sbin:/sbin
names=$(cd "$here" && for meta in */meta.json; do echo "${meta%/*}"; done)

[ -x "$PEVENT" ] || bail_out "no program $PEVENT"

# What a form of output is called with.
options() # FORM
{
	case $1 in
	txt) echo --utc -E ;;
	jsonl) echo -j ;;
	stats) echo -q -S ;;
	esac
}

# The statistics go to standard error, and so would a warning.
replay() # DIR FORM OUT [COMMAND...]
{
	local dir=$1 form=$2 out=$3
	shift 3
	# shellcheck disable=SC2046,SC2086 # lists of words
	"$@" ${PEVENT_WRAPPER-} "$PEVENT" -R "$dir" $(options "$form") >"$out" 2>"$out.err" || return
	cat "$out.err" >>"$out"
	rm "$out.err"
}

if [ "${1-}" = --update ]; then
	for name in $names; do
		for form in txt jsonl stats; do
			replay "$here/$name" "$form" "$here/$name.$form" || exit 1
		done
	done
	exit 0
fi

same() # NAME GOT WANTED
{
	if cmp -s "$2" "$3"; then
		ok "$1"
	else
		not_ok "$1"
		diff "$3" "$2" | head -20 | cut -c 1-300 | sed 's/^/#   /'
	fi
}

# shellcheck disable=SC2317 # called by check
valid() # FILE
{
	"$python" - "$schema" "$1" <<-'EOF2'
		import json, sys
		import jsonschema
		with open(sys.argv[1], encoding="utf-8") as f:
		    schema = json.load(f)
		validator = jsonschema.validators.validator_for(schema)(schema)
		wrong = 0
		with open(sys.argv[2], encoding="utf-8") as f:
		    for n, line in enumerate(f, 1):
		        for e in validator.iter_errors(json.loads(line)):
		            print(f"line {n}: {e.json_path}: {e.message[:200]}")
		            wrong += 1
		sys.exit(wrong > 0)
	EOF2
}

# shellcheck disable=SC2317 # called by check
neutral() # FILE...
{
	! grep -E -i '/(home|root|build|usr/src|tmp)/' "$@" | cut -c 1-200 | grep .
}

chmod 755 "$TAP_TMP"
for name in $names; do
	for form in txt jsonl stats; do
		if replay "$here/$name" "$form" "$TAP_TMP/out"; then
			same "$name: $form is the golden one" "$TAP_TMP/out" "$here/$name.$form"
		else
			not_ok "$name: $form" "$(head -5 "$TAP_TMP/out.err")"
		fi
		replay "$here/$name" "$form" "$TAP_TMP/again" env TZ=Asia/Kathmandu LC_ALL=C \
			COLUMNS=40 TERM=xterm
		same "$name: $form again, elsewhere, is the same" "$TAP_TMP/again" "$TAP_TMP/out"
	done
	if "$python" -c 'import jsonschema' 2>/dev/null; then
		check "$name: JSON is valid under the schema" valid "$here/$name.jsonl"
	else
		skip "$name: JSON is valid under the schema" "no python3-jsonschema for $python"
	fi
	check "$name: no path of the machine it was made on" neutral "$here/$name"/*.json*
done

# gen made 60 processes in two workers; sh, sleep and true were there, too: 66 forks and exits, 4 execs.
counts=$(awk '$3 == "lost" { lost += $5 }
	$3 == "exec" || ($3 == "exit" && $5 != "lost") || ($3 == "fork" && $5 == "child") { seen++ }
	END { print seen + lost, (lost > 0) }' "$here/loss.txt")
is "$counts" '136 1' 'loss: what was seen and what was lost is what happened'

# What is replayed asks the kernel for nothing.
if [ "$(id -u)" -ne 0 ]; then
	ok 'without root'
elif ! command -v setpriv >/dev/null; then
	skip 'without root' 'no setpriv(1)'
else
	cp "$PEVENT" "$TAP_TMP/pevent"
	for name in $names; do
		cp -R "$here/$name" "$TAP_TMP/$name"
		chmod -R a+rX "$TAP_TMP/$name"
		: >"$TAP_TMP/out"
		# shellcheck disable=SC2046
		setpriv --reuid 65534 --regid 65534 --clear-groups "$TAP_TMP/pevent" \
			-R "$TAP_TMP/$name" $(options jsonl) >"$TAP_TMP/out" 2>"$TAP_TMP/err"
		cat "$TAP_TMP/err" >>"$TAP_TMP/out"
		same "$name: without root" "$TAP_TMP/out" "$here/$name.jsonl"
	done
fi

done_testing
