#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The options are the same in --help, in the manual page and in the completions: letters, long names
# and whether they take an argument. So are the names of events, columns and time formats.
set -u
: "${SRCROOT:=$(cd "$(dirname "$0")/../.." && pwd)}"
# shellcheck source=tests/tap.sh
. "$SRCROOT/tests/tap.sh"

cd "$SRCROOT" || exit 1
work=$TAP_TMP

options() # KIND FILE
{
	LC_ALL=C awk -v kind="$1" -f tests/lint/options.awk "$2" | sort
}

same() # NAME FILE FILE
{
	local found
	if found=$(diff -u "$2" "$3"); then
		ok "$1"
	else
		not_ok "$1"
		diag "$found"
	fi
}

# The program's own parser. With a bad option at the end nothing is run: the message names the first
# thing that is wrong, and the status is 2.
parses() # OPTION arg|-
{
	local text status want
	if [ "$2" = arg ]; then
		want="$1 is refused without its argument"
		text=$(timeout 10 "$PEVENT" "$1" 2>&1)
		status=$?
		[[ $text == *argument* ]] || status="$status, but not for the argument"
	else
		want="$1 is accepted without an argument"
		text=$(timeout 10 "$PEVENT" "$1" --no-such-option 2>&1)
		status=$?
		[[ $text == *no-such-option* ]] || status="$status, but not for what follows"
	fi
	if [ "$status" = 2 ]; then
		ok "$want"
	else
		not_ok "$want"
		diag "status $status: $text"
	fi
}

listed() # NAME WORDS FILE
{
	local word missing=''
	local text
	text=$(cat "$3")
	for word in $2; do
		grep -qwF -e "$word" <<<"$text" || missing+=" $word"
	done
	if [ -z "$missing" ]; then
		ok "$1"
	else
		not_ok "$1"
		diag "missing:$missing"
	fi
}
# shellcheck source=contrib/completions/pevent.bash
. contrib/completions/pevent.bash

# shellcheck source=contrib/completions/pevent.bash
. contrib/completions/pevent.bash
columns=$(tr '\n\t' '  ' <<<"$_pevent_columns")

options man man/pevent.8 >"$work/man"
options bash contrib/completions/pevent.bash >"$work/bash"
options zsh contrib/completions/_pevent >"$work/zsh"
options fish contrib/completions/pevent.fish >"$work/fish"

if [ "$(wc -l <"$work/man")" -ge 20 ] && [ "$(sort -u "$work/man" | wc -l)" = "$(wc -l <"$work/man")" ]
then
	ok 'the manual page describes at least 20 options, each once'
else
	not_ok 'the manual page describes at least 20 options, each once'
	diag "$(cat "$work/man")"
fi
for shell in bash zsh fish; do
	same "the completion for $shell has the options of the manual page" "$work/man" "$work/$shell"
done

if [ -n "${PEVENT:-}" ] && [ -x "$PEVENT" ]; then
	if "$PEVENT" --help >"$work/help.txt" 2>"$work/help.err" && [ ! -s "$work/help.err" ]; then
		ok '--help succeeds and prints to standard output'
	else
		not_ok '--help succeeds and prints to standard output'
	fi
	options help "$work/help.txt" >"$work/help"
	same '--help has the options of the manual page' "$work/man" "$work/help"

	while read -r letter name arg; do
		case $name in
		help | version) continue ;;
		esac
		[ "$letter" = - ] || parses "-$letter" "$arg"
		[ "$name" = - ] || parses "--$name" "$arg"
	done <"$work/man"

	# Every name that the completion offers is one that the program takes.
	accepted() # OPTION WORDS
	{
		local word text bad=''
		for word in $2; do
			text=$(timeout 10 "$PEVENT" "$1" "$word" --no-such-option 2>&1)
			[[ $text == *no-such-option* ]] || bad+="$word: $text"$'\n'
		done
		if [ -z "$bad" ]; then
			ok "$1 takes: ${2//$'\n'/ }"
		else
			not_ok "$1 takes: ${2//$'\n'/ }"
			diag "$bad"
		fi
	}
	accepted --event "$_pevent_events"
	accepted --columns "$columns"
	accepted --time 'iso clock epoch boot'

	# And the other way round, by the lists in the messages.
	offered() # OPTION WORDS
	{
		local text
		text=$(timeout 10 "$PEVENT" "$1" no-such-name 2>&1)
		listed "$1: every name in the message is offered by the completions" \
			"$(sed 's/.*there are//; s/^.*: //; s/[,.]/ /g' <<<"$text")" <(echo "$2")
	}
	offered --event "$_pevent_events"
	offered --columns "$columns"
else
	skip '--help has the options of the manual page' 'PEVENT does not name an executable'
fi

# The names themselves, in text and completions.
section() # NAME
{
	sed -n "/^\.Sh $1\$/,/^\.Sh /p" man/pevent.8
}
section OPTIONS >"$work/options"
section OUTPUT >"$work/output"
listed 'the manual page names every event' "$_pevent_events" "$work/options"
listed 'the manual page names every column' "$columns" "$work/output"
for file in contrib/completions/_pevent contrib/completions/pevent.fish; do
	listed "$file knows every column" "$columns" "$file"
	listed "$file knows every event" "${_pevent_events%coredump*}" "$file"
done

# Completion at work, in bash.
completes() # EXPECTED WORD...
{
	local expected=$1
	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_pevent
	if [ "${COMPREPLY[*]}" = "$expected" ]; then
		ok "bash completes '$*'"
	else
		not_ok "bash completes '$*'"
		diag "${COMPREPLY[*]}"
	fi
}
completes --duration pevent --dur
completes exec pevent -e exe
completes 'fork,exec fork,exit' pevent -e fork,ex
completes 'fork,exec' pevent -SE --event = fork,exe
completes epoch pevent --time = e
completes epoch pevent --time e
completes record pevent rec
completes '' pevent -D ''

done_testing
