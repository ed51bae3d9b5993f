# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion of pevent(8) for bash.

# letter | long name | what its argument is
_pevent_options='
-c --comm
-d --dirstrip
-D --duration time
-e --event events
-E --all-events
-g --glyph
-h --help
-v --version
-l --line-buffer
-p --pgrp pgid
-q --quiet
-r --realtime
-s --shortname
-S --statistics
-x --extra
-X --everything
-j --json
-o --output file
-P --pid pids
-U --user user
-C --match regex
-G --cgroup cgroup
-F --failed
-R --replay dir
- --columns columns
- --time format
- --utc
- --longer-than time
- --snapshot
- --sample time
- --files
- --delayacct
- --no-taskstats
-i --interface devices
- --owner owner
- --no-net
- --strict
- --receive-buffer size
'

_pevent_events='fork exec exit core comm clone ptrce uid gid sid snap conn close net all coredump
	thread ptrace snapshot'
_pevent_columns='time event pid tid ppid pgrp session uid euid gid egid loginuid user tty glyph info
	duration on threads comm exe cgroup source process cpu usr sys error wait blkio rss
	vm swap read write rchar wchar sent rcvd txpay rxpay txpkt rxpkt conns retx rtt local
	remote minflt majflt vcsw ivcsw files oom state classic'

# What the argument of OPTION is: prints the kind, or fails when it takes none.
_pevent_kind() { # OPTION
	local short long kind
	while read -r short long kind; do
		if [[ -n $kind && ($1 == "$short" || $1 == "$long") ]]; then
			echo "$kind"
			return 0
		fi
	done <<<"$_pevent_options"
	return 1
}

# Completes the last entry of a comma-separated list.
_pevent_list() { # WORDS CURRENT
	local head=
	[[ $2 == *,* ]] && head=${2%,*},
	mapfile -t COMPREPLY < <(compgen -P "$head" -W "$1" -- "${2##*,}")
	compopt -o nospace 2>/dev/null
}

_pevent() {
	local cur=${COMP_WORDS[COMP_CWORD]} option='' kind i
	COMPREPLY=()

	# Behind "--" stands a command.
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -- ]]; then
			if declare -F _command_offset >/dev/null; then
				_command_offset $((i + 1))
			elif ((i + 1 == COMP_CWORD)); then
				mapfile -t COMPREPLY < <(compgen -c -- "$cur")
			else
				mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			fi
			return
		fi
	done

	# "=" is a word of its own in "--long=value".
	if [[ $cur == = ]]; then
		cur=
		option=${COMP_WORDS[COMP_CWORD - 1]}
	elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then
		option=${COMP_WORDS[COMP_CWORD - 2]}
	else
		option=${COMP_WORDS[COMP_CWORD - 1]}
		# Of letters in one word the last may take an argument: -Se.
		[[ $option == -[!-]?* ]] && option=-${option: -1}
	fi

	if kind=$(_pevent_kind "$option"); then
		case $kind in
		events) _pevent_list "$_pevent_events" "$cur" ;;
		columns) _pevent_list "$_pevent_columns" "$cur" ;;
		devices) _pevent_list "any $(cd /sys/class/net 2>/dev/null && echo *)" "$cur" ;;
		owner) mapfile -t COMPREPLY < <(compgen -W 'auto perf diag' -- "$cur") ;;
		format) mapfile -t COMPREPLY < <(compgen -W 'iso clock epoch boot' -- "$cur") ;;
		user) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
		pids) _pevent_list "$(cd /proc && echo [0-9]*)" "$cur" ;;
		cgroup)
			mapfile -t COMPREPLY < <(cd /sys/fs/cgroup 2>/dev/null &&
				compgen -d -- "${cur#/}" | sed 's|^|/|')
			compopt -o nospace 2>/dev/null
			;;
		file)
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			compopt -o filenames 2>/dev/null
			;;
		dir)
			mapfile -t COMPREPLY < <(compgen -d -- "$cur")
			compopt -o filenames 2>/dev/null
			;;
		size) mapfile -t COMPREPLY < <(compgen -W '8M 64M 256M' -- "$cur") ;;
		esac
		return
	fi

	if [[ $cur == -* ]]; then
		local words=-- short long
		while read -r short long kind; do
			[[ -n $short ]] || continue
			[[ $short == - ]] || words+=" $short"
			words+=" $long"
		done <<<"$_pevent_options"
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	elif ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W record -- "$cur")
	elif [[ ${COMP_WORDS[1]} == record ]]; then
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		compopt -o filenames 2>/dev/null
	fi
}

complete -F _pevent pevent
