# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# Test Anything Protocol for shell tests: `. tests/tap.sh`, then
#
#	plan N				how many checks follow; or done_testing after the last one
#	ok NAME / not_ok NAME [WHY]	one check's result
#	check NAME COMMAND [ARG...]	ok if the command succeeds; its output is shown if not
#	is GOT WANTED NAME		ok if the strings are equal
#	skip NAME REASON		one check that cannot be made here
#	skip_all REASON			none can: ends the test
#	need_root			skip_all unless it runs as root
#	diag TEXT...			a remark
#	bail_out REASON			the test itself is broken: ends it
#	at_exit 'COMMAND'		run on the way out, last in first out, also on a signal
#
# $TAP_TMP is a directory of this test's own, removed on the way out. A skip is visible, and a
# failure where PEVENT_TEST_STRICT=1 is set (tests/run counts).

tap_n=0
tap_failed=0
tap_plan=
tap_cleanup=
TAP_TMP=$(mktemp -d "${TMPDIR:-/tmp}/pevent-test-XXXXXX") || exit 99

diag() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

at_exit() {
	tap_cleanup="$1
$tap_cleanup"
}

tap_finish() {
	tap_status=$?
	trap - EXIT HUP INT TERM
	eval "$tap_cleanup"
	rm -rf "$TAP_TMP"
	[ "$tap_status" -eq 0 ] && [ "$tap_failed" -ne 0 ] && tap_status=1
	exit "$tap_status"
}
trap tap_finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

plan() {
	tap_plan=$1
	echo "1..$1"
}

done_testing() {
	[ -n "$tap_plan" ] || echo "1..$tap_n"
	exit 0
}

ok() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1"
}

not_ok() {
	tap_n=$((tap_n + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_n - $1"
	shift
	[ $# -eq 0 ] || diag "$*"
}

skip() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

bail_out() {
	echo "Bail out! $*"
	exit 99
}

check() {
	tap_name=$1
	shift
	if "$@" >"$TAP_TMP/.check" 2>&1; then
		ok "$tap_name"
	else
		not_ok "$tap_name" "status $? of: $*"
		sed 's/^/#   /' "$TAP_TMP/.check"
	fi
}

is() {
	if [ "$1" = "$2" ]; then
		ok "$3"
	else
		not_ok "$3" "got: $1
wanted: $2"
	fi
}

need_root() {
	[ "$(id -u)" -eq 0 ] || skip_all "needs root"
}
