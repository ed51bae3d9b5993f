# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of pevent(8) for fish.

function __pevent_behind_dashes
    contains -- -- (commandline -opc)
end

function __pevent_events
    printf '%s\t%s\n' \
        fork 'a process was created' \
        exec 'a process replaced its program' \
        exit 'a process ended' \
        core 'a signal whose action is to dump core' \
        comm 'a thread renamed itself' \
        clone 'a thread was created or ended' \
        ptrce 'a tracer attached or detached' \
        uid 'user ids changed' \
        gid 'group ids changed' \
        sid 'a new session' \
        snap 'who is there at the start and the end' \
        conn 'a TCP connection was opened or accepted' \
        close 'a TCP connection was closed' \
        net 'conn and close' \
        all 'all but snap and net'
end

function __pevent_columns
    printf '%s\n' time event pid tid ppid pgrp session uid euid gid egid loginuid user tty \
        glyph info duration on threads comm exe cgroup source process cpu usr sys error wait \
        blkio rss vm swap read write rchar wchar sent rcvd txpay rxpay txpkt rxpkt conns retx \
        rtt local remote minflt majflt vcsw ivcsw files oom state classic
end

function __pevent_devices
    printf '%s\n' any (string replace -r '.*/' '' -- /sys/class/net/*)
end

# Completes the last entry of a comma-separated list with the words of a command.
function __pevent_list
    set -l value (string replace -r '^(--[a-z-]+=|-[a-zA-Z])' '' -- (commandline -ct))
    set -l head (string replace -r '[^,]*$' '' -- $value)
    $argv | string replace -r '^' -- "$head"
end

# Completes the command behind "--" as if it stood alone.
function __pevent_command
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words)
    set -e words[1..$at]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end

complete -c pevent -f
complete -c pevent -n '__fish_is_nth_token 1' -a record -d 'store the raw input in a directory'
complete -c pevent -n '__fish_seen_subcommand_from record' -a '(__fish_complete_directories)'
complete -c pevent -n __pevent_behind_dashes -x -a '(__pevent_command)'

complete -c pevent -s c -l comm -d 'name processes by their comm field'
complete -c pevent -s d -l dirstrip -d 'strip the directory from the program name'
complete -c pevent -s D -l duration -x -d 'end the run after this time'
complete -c pevent -s e -l event -x -a '(__pevent_list __pevent_events)' -d 'events to show'
complete -c pevent -s E -l all-events -d 'show all events'
complete -c pevent -s g -l glyph -d 'mark events with glyphs'
complete -c pevent -s h -l help -d 'print a summary of the options'
complete -c pevent -s v -l version -d 'print the version'
complete -c pevent -s l -l line-buffer -d 'hand every line on at once'
complete -c pevent -s p -l pgrp -x -d 'only this process group'
complete -c pevent -s q -l quiet -d 'print no events, only statistics'
complete -c pevent -s r -l realtime -d 'read events under real-time priority'
complete -c pevent -s s -l shortname -d 'show the first word of command lines only'
complete -c pevent -s S -l statistics -d 'print statistics at the end'
complete -c pevent -s x -l extra -d 'show user and terminal'
complete -c pevent -s X -l everything -d 'the same as -E -g -r -S -x'
complete -c pevent -s j -l json -d 'write JSON Lines'
complete -c pevent -s o -l output -r -F -d 'append to a file'
complete -c pevent -s P -l pid -x -a '(__fish_complete_pids)' -d 'only these and their descendants'
complete -c pevent -s U -l user -x -a '(__fish_complete_users)' -d 'only processes of this user'
complete -c pevent -s C -l match -x -d 'only command lines or paths that match'
complete -c pevent -s G -l cgroup -x -d 'only cgroups that match'
complete -c pevent -s F -l failed -d 'of exits, only those that failed'
complete -c pevent -s R -l replay -x -a '(__fish_complete_directories)' -d 'replay a recording'
complete -c pevent -l columns -x -a '(__pevent_list __pevent_columns)' -d 'columns to show'
complete -c pevent -l time -x -a 'iso clock epoch boot' -d 'how times are shown'
complete -c pevent -l utc -d 'show times in UTC'
complete -c pevent -l longer-than -x -d 'of exits, only processes that lived this long'
complete -c pevent -l snapshot -d 'show who is there at the start and the end'
complete -c pevent -l sample -x -d 'time between looks at each process, 0 for never'
complete -c pevent -l files -d 'list the open files of processes'
complete -c pevent -l delayacct -d 'switch delay accounting on meanwhile'
complete -c pevent -l no-taskstats -d 'do without exit accounting'
complete -c pevent -s i -l interface -x -a '(__pevent_list __pevent_devices)' -d 'devices to count at'
complete -c pevent -l owner -x -a 'auto perf diag' -d 'how owners of sockets are found'
complete -c pevent -l no-net -d 'do without network accounting'
complete -c pevent -l strict -d 'exit status 3 when anything was lost'
complete -c pevent -l receive-buffer -x -d 'bytes asked for the event socket'
