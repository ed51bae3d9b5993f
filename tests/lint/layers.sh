#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may include whom, and who may call what: the layers of the tree, from the kernel outwards.
set -u
: "${SRCROOT:=$(cd "$(dirname "$0")/../.." && pwd)}"
# shellcheck source=tests/tap.sh
. "$SRCROOT/tests/tap.sh"

# layer | layers that its files may include
allowed='
include
util     util
wire     util/macro.h wire
source   util wire source
model    include util wire model
library  include util wire source model library
sink     include util sink
cli      include util sink cli
'

# rule, files it does not apply to (regex on the path from the root), calls it forbids (regex)
calls='
clock-only-in-util/clock.c ^src/util/clock\.c$ clock_gettime|gettimeofday|time
print-and-exit-only-in-cli ^src/cli/ printf|fprintf|vprintf|vfprintf|puts|fputs|putchar|perror|exit|err|errx|warn|warnx
wire-has-no-memory-and-no-descriptors ^(src/(util|source|model|sink|cli)/.*|src/[^/]*)$|^include/ malloc|calloc|realloc|strdup|free|open|openat|fopen|read|write|recv|recvmsg|send|sendmsg|socket|close|ioctl
'

sources() # ROOT
{
	(cd "$1" && find src include -name '*.[ch]' | sort)
}

layer_of() # PATH
{
	case $1 in
	include/*) echo include ;;
	src/*/*) p=${1#src/}; echo "${p%%/*}" ;;
	src/*) echo library ;;
	*) echo outside ;;
	esac
}

# The path from ROOT of what FILE means by "NAME", or nothing when the tree does not hold it.
resolve() # ROOT FILE NAME
{
	local p
	for p in "$(dirname "$2")/$3" "src/$3" "include/$3"; do
		if [ -f "$1/$p" ]; then
			(cd "$1" && realpath -s --relative-to=. "$p")
			return
		fi
	done
}

include_violations() # ROOT
{
	local root=$1 file kind name layer target to may
	while read -r file kind name; do
		layer=$(layer_of "$file")
		target=$(resolve "$root" "$file" "$name")
		if [ -z "$target" ]; then
			if [ "$kind" = quoted ]; then
				echo "$file: \"$name\" is not in the tree"
			elif [[ $name =~ ^(netlink/|pcap) && $layer != source ]]; then
				echo "$file: <$name>: only source/ may use libnl and libpcap"
			elif [[ $name == json-c/* && $layer =~ ^(include|util|wire|model)$ ]]; then
				echo "$file: <$name>: not in $layer/"
			fi
			continue
		fi
		to=$(layer_of "$target")
		may=$(awk -v l="$layer" '$1 == l { $1 = ""; print }' <<<"$allowed")
		case " $may " in
		*" $to "* | *" ${target#src/} "*) ;;
		*) [ "$target" = "$file" ] || echo "$file: $layer may not include $target" ;;
		esac
	done < <(sources "$root" | while read -r file; do
		awk -f "$SRCROOT/tests/lint/strip.awk" "$root/$file" |
			sed -nE -e "s|^[[:space:]]*#[[:space:]]*include[[:space:]]*\"([^\"]*)\".*|$file quoted \1|p" \
				-e "s|^[[:space:]]*#[[:space:]]*include[[:space:]]*<([^>]*)>.*|$file angle \1|p"
	done)
}

call_violations() # ROOT RULE EXCEPT CALLS
{
	local root=$1 except=$3 names=$4 file
	sources "$root" | grep -Ev "$except" | while read -r file; do
		awk -f "$SRCROOT/tests/lint/strip.awk" "$root/$file" |
			grep -nE "(^|[^A-Za-z0-9_.>])($names)[[:space:]]*\(" | sed "s|^|$file:|"
	done
}

report() # NAME VIOLATIONS
{
	if [ -z "$2" ]; then
		ok "$1"
	else
		not_ok "$1"
		diag "$2"
	fi
}

caught() # NAME VIOLATIONS EXPECTED-FILE
{
	if grep -q "^$3:" <<<"$2"; then
		ok "$1"
	else
		not_ok "$1"
		diag "the planted violation in $3 was not seen"
	fi
}

report 'every include stays in its layer' "$(include_violations "$SRCROOT")"
while read -r rule except names; do
	[ -n "$rule" ] || continue
	report "$rule" "$(call_violations "$SRCROOT" "$rule" "$except" "$names")"
done <<<"$calls"

# The test itself: each planted violation in a copy of the tree has to be seen.
copy=$TAP_TMP/copy
mkdir -p "$copy"/src/{util,wire,source,model,sink,cli} "$copy/include"
cp -R "$SRCROOT/src" "$SRCROOT/include" "$copy/"
plant() # FILE LINE
{
	printf '%s\n' "$2" >"$copy/$1"
}
plant src/source/planted.h 'struct planted;'
plant src/model/planted.h 'struct planted;'
plant src/model/planted.c '#include "source/planted.h"'
plant src/source/planted.c '#  include "../model/planted.h"'
plant src/sink/planted.c '#include "model/planted.h"'
plant src/wire/planted.c '#include "util/strbuf.h"'
plant src/util/planted.c '#include <netlink/netlink.h>'
plant src/cli/planted.c '#include "no-such-file.h"'
found=$(include_violations "$copy")
for file in src/{model,source,sink,wire,util,cli}/planted.c; do
	caught "an include across layers is seen in ${file%/*}" "$found" "$file"
done

plant src/model/planted.c '	now = clock_gettime(CLOCK_MONOTONIC, &t); /* ok( */'
plant src/sink/planted.c '	if (x) fprintf (stderr, "x");'
plant src/wire/planted.c '	return malloc(3);'
plant src/util/planted.c '	/* clock_gettime() */ s = "exit(1)"; x->open(1); // malloc(1)'
while read -r rule except names; do
	[ -n "$rule" ] || continue
	found=$(call_violations "$copy" "$rule" "$except" "$names")
	case $rule in
	clock*) file=src/model/planted.c ;;
	print*) file=src/sink/planted.c ;;
	wire*) file=src/wire/planted.c ;;
	esac
	caught "a call against $rule is seen" "$found" "$file"
	if grep -q '^src/util/planted.c:' <<<"$found"; then
		not_ok "comments and strings do not count for $rule"
	else
		ok "comments and strings do not count for $rule"
	fi
done <<<"$calls"

done_testing
