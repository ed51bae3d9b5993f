#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every shell script of the tree under shellcheck, every completion under its own shell.
set -u
: "${SRCROOT:=$(cd "$(dirname "$0")/../.." && pwd)}"
# shellcheck source=tests/tap.sh
. "$SRCROOT/tests/tap.sh"

cd "$SRCROOT" || exit 1

# Scripts are found by their name or their first line.
scripts() {
	find .ci contrib tests -type f | sort | while read -r file; do
		case $file in
		*.sh | *.bash) echo "$file" ;;
		*) head -c 64 "$file" | head -1 | LC_ALL=C grep -aqE '^#!.*\b(ba|da)?sh\b' && echo "$file" ;;
		esac
	done
}

while read -r script; do
	if ! command -v shellcheck >/dev/null; then
		skip "$script is clean under shellcheck" 'shellcheck is not installed'
	elif found=$(shellcheck -x -P SCRIPTDIR -P "$SRCROOT" "$script" 2>&1); then
		ok "$script is clean under shellcheck"
	else
		not_ok "$script is clean under shellcheck"
		diag "$found"
	fi
done < <(scripts)

# The two commands of README.md have to be where it says.
for script in contrib/setup .ci/run; do
	if [ -x "$script" ]; then
		ok "$script can be run"
	else
		not_ok "$script can be run"
	fi
done

while read -r shell file; do
	if ! command -v "$shell" >/dev/null; then
		skip "$file parses under $shell" "$shell is not installed"
	elif found=$("$shell" -n "$file" 2>&1); then
		ok "$file parses under $shell"
	else
		not_ok "$file parses under $shell"
		diag "$found"
	fi
done <<'LIST'
bash contrib/completions/pevent.bash
zsh contrib/completions/_pevent
fish contrib/completions/pevent.fish
LIST

done_testing
