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
[ $# -gt 0 ] || set -- pipeline threads hostile loss ids usage network
demo=/opt/demo
mkdir "$demo"
trap 'rm -rf "$demo"' EXIT
trap 'exit 130' HUP INT TERM
cp "$build/pevent" "$build/tests/live/tree" "$build/tests/live/gen" "$build/tests/live/tiny" \
	"$build/tests/live/net" "$demo"
cp "$here/ids.py" "$here/names.py" "$demo"
cd "$demo"

record() # NAME [OPTION...] -- COMMAND
{
	name=$1
	shift
	tries=0
	while :; do
		rm -rf "${demo:?}/$name"
		# Its descriptors are recorded: they name no place of this machine.
		./pevent record "$demo/$name" "$@" </dev/null 2>&1 | cat
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
		record pipeline --no-net -- /bin/sh pipeline.sh
		;;
	threads) record threads --no-net -- ./tree /opt/demo/truth ;;
	hostile) record hostile --no-net -- /usr/bin/python3 -I -S names.py /opt/demo/tiny ;;
	loss)
		record loss --no-net --receive-buffer 4K -- /bin/sh -c \
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
		record usage --no-net --sample 100ms --files --delayacct -- /bin/sh usage.sh
		;;
	network)
		# Its first processes are there before the namespace is entered.
		cat >"$demo/network.sh" <<-'EOF'
			ip link set lo up
			sleep 0.3
			./net -o truth serve >serve &
			while ! grep -q port= serve; do sleep 0.1; done
			eval "$(tr ' ' '\n' <serve | grep =)"
			./net -o truth -n 3 -w 1 spawn 127.0.0.1 "$port"
			./net -o truth -n 2 -w 1 -p udp -u 40 -d 500 spawn ::1 "$port"
			./net -o truth cases 127.0.0.1 "$port" "$closed" refused
			kill $!
			wait
		EOF
		record network -- unshare --net /bin/sh network.sh
		;;
	ids) record ids --no-net -- /usr/bin/python3 -I -S ids.py ;;
	esac
done
