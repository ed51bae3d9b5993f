# SPDX-License-Identifier: GPL-2.0-or-later
# The options that a text describes, one a line: letter or "-", long name or "-", "arg" or "-".
# -v kind=help|man|bash|zsh|fish

function emit(letter, name, arg)
{
	print (letter == "" ? "-" : letter), (name == "" ? "-" : name), (arg ? "arg" : "-")
}

# pevent --help:   "  -D, --duration TIME  text", "      --utc  text" or "  -E  text"
kind == "help" && match($0, /^  (    )?(-[A-Za-z], --[a-z][a-z-]*|--[a-z][a-z-]*|-[A-Za-z])/) {
	head = substr($0, RSTART, RLENGTH)
	rest = substr($0, RSTART + RLENGTH)
	sub(/^ +/, "", head)
	letter = name = ""
	if (head ~ /^-[A-Za-z]/)
		letter = substr(head, 2, 1)
	if (match(head, /--.*/))
		name = substr(head, RSTART + 2)
	emit(letter, name, rest ~ /^[ =][^ ]/)
}

# mdoc: ".It Fl D , Fl -duration Ar time" or ".It Fl -utc", in the section OPTIONS
kind == "man" && /^\.Sh / { inside = ($2 == "OPTIONS") }
kind == "man" && inside && /^\.It Fl / {
	letter = name = ""
	arg = 0
	for (i = 2; i <= NF; i++) {
		if ($i == "Fl" && $(i + 1) ~ /^-/)
			name = substr($(i + 1), 2)
		else if ($i == "Fl")
			letter = $(i + 1)
		else if ($i == "Ar")
			arg = 1
	}
	emit(letter, name, arg)
}

# The table in the completion for bash: "-D --duration time" or "- --utc"
kind == "bash" && /^-[A-Za-z]? -(-[a-z]|( |$))/ {
	emit(substr($1, 2), substr($2, 3), NF > 2)
}

# Specifications of _arguments: '(...)'{-D+,--duration=}'[text]:...' or '--utc[text]'
kind == "zsh" && match($0, /\{-[A-Za-z]\+?,--[a-z-]+=?\}/) {
	head = substr($0, RSTART + 2, RLENGTH - 3)
	name = head
	sub(/^.*,--/, "", name)
	arg = sub(/=$/, "", name)
	if (arg != (head ~ /^.\+/) || arg != (substr($0, RSTART + RLENGTH) ~ /\]:/))
		print FILENAME ":" FNR ": it is not clear whether there is an argument"
	emit(substr(head, 1, 1), name, arg)
	next
}
kind == "zsh" && match($0, /'\*?-[A-Za-z]\+?\[/) {
	name = substr($0, RSTART, RLENGTH - 1)
	sub(/^.*-/, "", name)
	arg = sub(/\+$/, "", name)
	emit(name, "", arg)
}
kind == "zsh" && match($0, /'\*?--[a-z-]+=?\[/) {
	name = substr($0, RSTART, RLENGTH - 1)
	sub(/^.*--/, "", name)
	arg = sub(/=$/, "", name)
	emit("", name, arg)
}

# complete -c pevent -s D -l duration -x ...
kind == "fish" && /^complete -c pevent -[sl] / {
	letter = name = ""
	arg = 0
	for (i = 4; i <= NF && $i !~ /^-[ad]$/; i++) {
		if ($i == "-s")
			letter = $(++i)
		else if ($i == "-l")
			name = $(++i)
		else if ($i == "-x" || $i == "-r")
			arg = 1
	}
	emit(letter, name, arg)
}
