#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A client of the installed library: install into a directory, build contrib/examples/embed.c with
# pkg-config against it, run it and see an event of its own child.
#
# embed.sh SOURCE_ROOT BUILD_ROOT COMPILER...
src=$1 build=$2
shift 2
# shellcheck source=tests/tap.sh
. "$src/tests/tap.sh"

root=$TAP_TMP/root
check "installs" meson install -C "$build" --no-rebuild --destdir "$root" --quiet
pc=$(find "$root" -name pevent.pc | head -n 1)
if [ -z "$pc" ]; then
	not_ok "has a pkg-config file"
	done_testing
fi
ok "has a pkg-config file"
PKG_CONFIG_SYSROOT_DIR=$root
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH
# not --static: libpcap names libraries then that Debian's libpcap-dev does not bring
flags=$(pkg-config --cflags --libs pevent) || not_ok "pkg-config works" "$flags"
# the sysroot goes before the directories of libraries that are not installed there, too
flags=$(for f in $flags; do
	case $f in
	-[IL]"$root"/*) d=${f#??}; [ -d "$d" ] || f=$(printf %.2s "$f")${d#"$root"} ;;
	esac
	printf '%s ' "$f"
done)
diag "flags: $flags"
# shellcheck disable=SC2086 # words are meant
check "builds against the installed library" \
	"$@" -std=c17 -Wall -Wextra -Werror -o "$TAP_TMP/embed" "$src/contrib/examples/embed.c" $flags
if [ "$(id -u)" -ne 0 ]; then
	skip "sees its own child" "needs root"
	done_testing
fi
"$TAP_TMP/embed" 1 /bin/true embed-example >"$TAP_TMP/out" 2>"$TAP_TMP/err"
is "$?" 0 "runs"
check "sees its own child start" grep -Eq '^exec +[0-9]+ 2 arguments: /bin/true$' "$TAP_TMP/out"
check "sees its own child end" grep -Eq '^exit +[0-9]+ .*: /bin/true$' "$TAP_TMP/out"
[ "$tap_failed" -eq 0 ] || diag "$(cat "$TAP_TMP/out" "$TAP_TMP/err")"
done_testing
