#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The map at the top of src/cli/main.c: it names every file of src/, include/, man/ and contrib/,
# and none that does not exist. In it, names without a folder are in that of the path before them, a
# path that ends in "/" being a folder; "a.[ch]" and "{a,b}.c" stand for several files, and a.c for
# its header too.
set -u
: "${SRCROOT:=$(cd "$(dirname "$0")/../.." && pwd)}"
# shellcheck source=tests/tap.sh
. "$SRCROOT/tests/tap.sh"

cd "$SRCROOT" || exit 1
main=src/cli/main.c

# The first comment that names a folder of the tree, without its decoration.
map_of() # FILE
{
	awk '
		/^\/\*/ { text = ""; inside = 1 }
		inside { line = $0; gsub(/^\/\*|^ \*\/?|\*\/$/, "", line); text = text line "\n" }
		/\*\// && inside {
			inside = 0
			if (text ~ /(src|include)\//) {
				printf "%s", text
				exit
			}
		}' "$1"
}

# Words that can name files, each with the folder before it; one "FOLDER NAME" a line.
words_of() # MAP
{
	awk '
		{
			for (i = 1; i <= NF; i++) {
				word = $i
				sub(/^[("`]+/, "", word)
				sub(/[)"`,;:.]+$/, "", word)
				if (word !~ /^[A-Za-z0-9_.{},*\/\[\]-]+$/ || word ~ /^(e\.g|i\.e)$/)
					continue
				if (word ~ /\/$/)
					folder = word
				else if (word ~ /^(src|include|man|contrib|tests)\//) {
					print ".", word
					folder = word
					sub(/[^\/]*$/, "", folder)
				} else if (word ~ /.\.[a-z0-9\[{]/)
					print (folder == "" ? "." : folder), word
				else if (word ~ /^_?[A-Za-z]+$/)
					print (folder == "" ? "." : folder), word, "maybe"
			}
		}' <<<"$1"
}

# Existing files that a word means.
files_of() # FOLDER NAME
{
	local expanded folder path hit
	# The word holds none but the letters that words_of() lets through.
	for expanded in $(eval "printf '%s\n' ${2//\*/\\*}" | sed 's/\\//g'); do
		hit=
		for folder in "$1" . src/cli; do
			[ -z "$hit" ] || break
			for path in "$folder"/$expanded; do
				if [ -f "$path" ]; then
					hit=1
					realpath -s --relative-to=. "$path"
				fi
			done
		done
	done
}

check_map() # MAP: prints what is wrong
{
	local folder name maybe found
	local -A named=()
	while read -r folder name maybe; do
		mapfile -t found < <(files_of "$folder" "$name")
		if [ ${#found[@]} -gt 0 ]; then
			for name in "${found[@]}"; do
				named[$name]=1
				[[ $name != *.c ]] || named[${name%.c}.h]=1
			done
		elif [ -z "$maybe" ]; then
			echo "$name (after $folder): no such file"
		fi
	done < <(words_of "$1")
	while read -r name; do
		[ -n "${named[$name]:-}" ] || echo "$name: not in the map"
	done < <(find src include man contrib -type f ! -name '.*' ! -name meson.build ! -name '*.pyc' |
		sort)
}

map=$(map_of "$main")
if [ -n "$map" ]; then
	ok "$main begins with a map"
else
	not_ok "$main begins with a map"
fi
wrong=$(check_map "$map")
if [ -z "$wrong" ]; then
	ok 'the map names every file, and only files that exist'
else
	not_ok 'the map names every file, and only files that exist'
	diag "$wrong"
fi

# The test itself: with one line more, or one less, the map is wrong.
if check_map "$map"$'\nsrc/util/ no-such-file.c' | grep -q '^no-such-file.c .*no such file'; then
	ok 'a file that does not exist is seen'
else
	not_ok 'a file that does not exist is seen'
fi
if check_map "${map//names.c/}" | grep -q '^src/names.c: not in the map'; then
	ok 'a file that is missing from the map is seen'
else
	not_ok 'a file that is missing from the map is seen'
fi

done_testing
