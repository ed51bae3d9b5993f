# SPDX-License-Identifier: GPL-2.0-or-later
# C source with the inside of comments, strings and character constants blanked, line for line.
# Include lines are kept whole.

!comment && /^[ \t]*#[ \t]*include/ {
	print
	next
}

{
	out = ""
	n = length($0)
	for (i = 1; i <= n; i++) {
		c = substr($0, i, 1)
		two = substr($0, i, 2)
		if (comment) {
			if (two == "*/") {
				comment = 0
				out = out "  "
				i++
			} else {
				out = out (c == "\t" ? c : " ")
			}
		} else if (quote != "") {
			if (c == "\\") {
				out = out "  "
				i++
			} else if (c == quote) {
				out = out c
				quote = ""
			} else {
				out = out " "
			}
		} else if (two == "/*") {
			comment = 1
			out = out "  "
			i++
		} else if (two == "//") {
			break
		} else {
			if (c == "\"" || c == "'")
				quote = c
			out = out c
		}
	}
	quote = ""
	sub(/[ \t]+$/, "", out)
	print out
}
