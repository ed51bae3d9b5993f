#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The form of C files. A file or function that is long for a reason says so near its top or before
# it, in a comment of the form "long: why".
set -u
: "${SRCROOT:=$(cd "$(dirname "$0")/../.." && pwd)}"
# shellcheck source=tests/tap.sh
. "$SRCROOT/tests/tap.sh"

max_columns=100
max_file=600
max_function=60

cd "$SRCROOT" || exit 1
mapfile -t files < <(find src include tests contrib -name '*.[ch]' | sort)
mapfile -t texts < <(find src include tests contrib man .ci -type f \
	\( -name '*.[ch]' -o -name '*.sh' -o -name '*.awk' -o -name '*.build' -o -name '*.[1-8]' \
	-o -path 'contrib/completions/*' -o -path 'contrib/setup' -o -path '.ci/*' \) | sort)
for file in meson.build meson_options.txt meson.options README.md; do
	[ -f "$file" ] && texts+=("$file")
done

report() # NAME VIOLATIONS
{
	if [ -z "$2" ]; then
		ok "$1"
	else
		not_ok "$1"
		diag "$2"
	fi
}

columns() # FILE...
{
	local file
	for file; do
		# Continuation bytes of UTF-8 take no column.
		LC_ALL=C sed 's/[\x80-\xbf]//g' "$file" | expand -t 8 |
			awk -v f="$file" -v max="$max_columns" \
				'length > max { print f ":" NR ": " length " columns" }'
	done
}

# Spaces align what continues a line, up to the next tab stop; they do not indent.
indentation() # FILE...
{
	awk '
		FNR == 1 { continued = 0 }
		/^\t*        / || /^\t* +\t/ || (/^ +[^ *]/ && !continued) {
			print FILENAME ":" FNR ":" substr($0, 1, 80)
		}
		{ continued = /[,({=?:|&+-]$/ }' "$@"
}

long_files() # FILE...
{
	local file lines
	for file; do
		lines=$(wc -l <"$file")
		if ((lines > max_file)) && ! head -40 "$file" |
			grep -qE '(/\*|^[[:space:]]*\*)[[:space:]]*long: '; then
			echo "$file: $lines lines (limit $max_file)"
		fi
	done
}

# A function's body is what stands between a line "{" and the next line "}".
long_functions() # FILE...
{
	awk -v max="$max_function" '
		FNR == 1 { head = ""; excused = 0; body = 0 }
		body == 0 && /(\/\*|^[ \t]*\*)[ \t]*long: / { excused = 1 }
		body == 0 && /^[ \t]*$/ { excused = 0 }
		body == 0 && /^[A-Za-z_].*\(/ { head = $0; sub(/\(.*/, "", head); sub(/.*[ *]/, "", head) }
		/^\{$/ { body = FNR }
		/^\}/ && body {
			if (FNR - body - 1 > max && !excused)
				print FILENAME ":" body ": " head "() has " FNR - body - 1 " lines (limit " max ")"
			body = 0
			excused = 0
		}' "$@"
}

report "no line of C is wider than $max_columns columns" "$(columns "${files[@]}")"
report 'no trailing whitespace' "$(grep -nE '[[:space:]]+$' "${texts[@]}" | cut -c 1-100)"
report 'C is indented with tabs' "$(indentation "${files[@]}")"
report 'every C file names its licence in line 1' "$(for file in "${files[@]}"; do
	head -1 "$file" | grep -qxF '/* SPDX-License-Identifier: GPL-2.0-or-later */' || echo "$file"
done)"
report 'every text ends with a newline' "$(for file in "${texts[@]}"; do
	[ -z "$(tail -c 1 "$file")" ] || echo "$file"
done)"
report "no file of C is longer than $max_file lines without a reason" "$(long_files "${files[@]}")"
report "no function is longer than $max_function lines without a reason" \
	"$(long_functions "${files[@]}")"

# The test itself.
copy=$TAP_TMP
{
	printf 'int\nlong_one(void)\n{\n'
	seq -f '	x(%g);' 61
	printf '}\n\n/* long: a reason */\nint excused(void)\n{\n'
	seq -f '	x(%g);' 61
	printf '}\n\nint fits(void)\n{\n'
	seq -f '	x(%g);' 60
	printf '}\n'
	printf '    spaces();\n\t        eight();\n\t * fine\n\t  two();\nenum { fine,\n       fine };\n'
	printf '\t%092d\n\t%093d\n\t%091dä\n' 0 0 0
} >"$copy/planted.c"
found=$(long_functions "$copy/planted.c")
if [ "$(grep -c . <<<"$found")" = 1 ] && grep -q 'long_one() has 61' <<<"$found"; then
	ok 'a long function is seen, an excused and a fitting one are not'
else
	not_ok 'a long function is seen, an excused and a fitting one are not'
	diag "$found"
fi
found=$(columns "$copy/planted.c")
if [ "$(grep -c . <<<"$found")" = 1 ] && grep -q '101 columns' <<<"$found"; then
	ok 'column 101 is seen, a two-byte letter is one column'
else
	not_ok 'column 101 is seen, a two-byte letter is one column'
	diag "$found"
fi
found=$(indentation "$copy/planted.c")
if [ "$(grep -c . <<<"$found")" = 2 ] && ! grep -Eq 'fine|two' <<<"$found"; then
	ok 'indentation by spaces is seen, alignment is not'
else
	not_ok 'indentation by spaces is seen, alignment is not'
	diag "$found"
fi
{
	cat "$copy/planted.c"
	seq 600
} >"$copy/file.c"
found=$(long_files "$copy/file.c")
{
	printf '/* SPDX */\n/* long: a table */\n'
	cat "$copy/file.c"
} >"$copy/excused.c"
if [ -n "$found" ] && [ -z "$(long_files "$copy/excused.c")" ]; then
	ok 'a long file is seen, an excused one is not'
else
	not_ok 'a long file is seen, an excused one is not'
fi

done_testing
