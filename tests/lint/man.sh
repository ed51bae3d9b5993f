#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The manual pages: clean under mandoc, and complete.
set -u
: "${SRCROOT:=$(cd "$(dirname "$0")/../.." && pwd)}"
# shellcheck source=tests/tap.sh
. "$SRCROOT/tests/tap.sh"

cd "$SRCROOT" || exit 1
for page in man/*.[1-8]; do
	if ! command -v mandoc >/dev/null; then
		skip "$page is clean under mandoc -Tlint" 'mandoc is not installed'
	elif found=$(mandoc -Tlint -W warning "$page" 2>&1) && [ -z "$found" ]; then
		ok "$page is clean under mandoc -Tlint"
	else
		not_ok "$page is clean under mandoc -Tlint"
		diag "$found"
	fi
	found=$(grep -nP '[^\x00-\x7f]' "$page")
	if [ -z "$found" ]; then
		ok "$page is ASCII"
	else
		not_ok "$page is ASCII"
		diag "$found"
	fi
done

for section in NAME SYNOPSIS DESCRIPTION OPTIONS EVENTS OUTPUT STATISTICS 'JSON LINES' FILTERS \
	RECORDINGS 'EXIT STATUS' EXAMPLES DIAGNOSTICS 'SEE ALSO'; do
	if grep -qxE "\.Sh \"?$section\"?" man/pevent.8; then
		ok "pevent.8 has the section $section"
	else
		not_ok "pevent.8 has the section $section"
	fi
done

done_testing
