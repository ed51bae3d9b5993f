#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes the recordings of this directory anew, as root and on a quiet machine:
#
#	record.sh BUILDDIR [NAME...]
#
# Programs and recordings get the path /opt/demo for the time, so that no build's path is in them.
# Then look at the difference, and `replay.sh --update`.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- pipeline threads hostile loss ids usage
demo=/opt/demo
mkdir "$demo"
trap 'rm -rf "$demo"' EXIT
trap 'exit 130' HUP INT TERM
cp "$build/pevent" "$build/tests/live/tree" "$build/tests/live/gen" "$build/tests/live/tiny" "$demo"
cp "$here/ids.py" "$here/names.py" "$demo"
cd "$demo"

record() # NAME [OPTION...] -- COMMAND
{
	name=$1
	shift
	tries=0
	while :; do
		rm -rf "${demo:?}/$name"
		./pevent record "$demo/$name" "$@" || true
		"$here/trim.py" "$demo/$name" && break
		tries=$((tries + 1))
		[ "$tries" -lt 50 ] || exit 1
		sleep 0.2
	done
	rm -rf "${here:?}/$name"
	cp -R "$demo/$name" "$here/$name"
	chmod 755 "$here/$name"
	chmod 644 "$here/$name"/*
}

for which; do
	case $which in
	pipeline)
		cat >"$demo/pipeline.sh" <<-'EOF'
			/bin/echo one | /bin/cat | /bin/false
			(exit 3)
			/bin/sh -c 'kill -KILL $$'
			ulimit -c 0
			/bin/sh -c 'kill -SEGV $$'
			exit 5
		EOF
		record pipeline -- /bin/sh pipeline.sh
		;;
	threads) record threads -- ./tree /opt/demo/truth ;;
	hostile) record hostile -- /usr/bin/python3 -I -S names.py /opt/demo/tiny ;;
	loss)
		record loss --receive-buffer 4K -- /bin/sh -c \
			'./gen fork -n 60 -w 2; sleep 0.3; /bin/true after the storm'
		;;
	usage)
		cat >"$demo/usage.sh" <<-'EOF'
			dd if=/dev/zero of=/opt/demo/file bs=64k count=8 conv=fsync
			sleep 0.25 &
			/bin/ls /usr/bin | /usr/bin/wc -l
			wait
			setsid sleep 2 &
		EOF
		record usage --sample 100ms --files --delayacct -- /bin/sh usage.sh
		;;
	ids) record ids -- /usr/bin/python3 -I -S ids.py ;;
	esac
done
