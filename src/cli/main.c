/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pevent: what every process on this machine did, from its fork to its exit.
 *
 * A map of the tree, from what users touch down to what the kernel says:
 *
 *	src/cli/main.c		verbs, --help, --version
 *	src/cli/options.c	the table of options; option_values.c: their arguments
 *	src/cli/cmd_log.c	pevent: events to lines, statistics
 *	src/cli/cmd_record.c	pevent record: the raw input to a directory
 *	src/cli/session.c	one run: signals, time limit, command, the loop
 *	src/cli/command.c	the command of `pevent -- COMMAND`
 *	src/cli/report.c	statistics and write errors at the end of a run
 *	src/cli/diag.c		"pevent: what: why" on stderr
 *	src/cli/cmd.h		the verbs' functions
 *
 *	src/sink/text.c		events as lines for people: header, two-line forks
 *	src/sink/columns.c	the table of columns; columns_usage.c: those of what was used;
 *				columns_network.c: those of the network
 *	src/sink/cell.c		values that fit their column
 *	src/sink/command_text.c	how a process is named
 *	src/sink/connection.c	addresses in words, what is known of a connection
 *	src/sink/time_text.c	points of time
 *	src/sink/json.c		events as JSON Lines (json_put.h: keys and values)
 *	src/sink/json_usage.c	what a process has used, how it looked, what it had open
 *	src/sink/json_network.c	what it sent and received, its connections
 *	src/sink/stats.c	counting for -S; stats_text.c and stats_json.c write it down
 *				(stats_data.h: what they share)
 *	src/sink/stats_usage.c	what was used, summed; stats_usage_text.c, stats_usage_json.c
 *	src/sink/stats_network.c	remote addresses; stats_network_text.c, stats_network_json.c
 *	src/sink/stats_table.c	rows by name, up to a limit
 *	src/sink/stats_top.c	the processes that used most
 *	src/sink/summary.c	what a command and its descendants have used
 *	src/sink/histogram.c	medians without keeping every value; powers of two
 *	src/sink/signals.c	names of signals
 *	src/sink/users.c	names of users, cached
 *	src/sink/writer.c	the thread that writes, and its bounded queue
 *
 *	include/pevent/pevent.h	the library's whole interface
 *	src/pevent.c		implements it: contexts, configuration, accounts
 *	src/loop.c		drains the source each tick, orders, joins, hands on
 *	src/loop_network.c	the same of packets and sockets
 *	src/loop_probe.c	the watchdog, and the test before the run
 *	src/sampler.c		looks at living processes, within a share of a CPU
 *	src/names.c		names of events, sources, origins
 *
 *	src/model/model.c	what the kernel's facts mean
 *	src/model/scan.c	what a look at all of /proc means
 *	src/model/life.c	how processes come, become known, and go
 *	src/model/emit.c	events into the queue, past the filter
 *	src/model/process.c	the process table: the living, and the dead of late
 *	src/model/account.c	what a process has used
 *	src/model/teardown.c	what it still did after its exit record
 *	src/model/stolen.c	does a hypervisor take CPU time?
 *	src/model/records.c	exit records that wait for their EXIT
 *	src/model/image.c	a program as started, shared by those that run it
 *	src/model/files.c	open descriptors of a process, at one time
 *	src/model/network.c	joins packets with their owners; network_event.c: EXIT waits
 *				for its counts; network_namespaces.c: which are entered
 *	src/model/flow.c	what went between two ends, and whose they are
 *	src/model/flow_packet.c	what one packet adds to it
 *	src/model/traffic.c	what a process sent and received
 *	src/model/socket.c	sockets by their address, inode and port
 *	src/model/socket_state.c	who opens and closes a TCP socket
 *	src/model/infer.c	whose it can only have been
 *	src/model/facts.c	what was told of sockets, in order of time
 *	src/model/filter.c	which events leave
 *	src/model/queue.c	events on their way out
 *	src/model/reorder.c	facts of several CPUs in order of time
 *	src/model/sequence.c	per-CPU numbers: what is missing
 *
 *	src/source/source.h	what the loop reads from
 *	src/source/live.c	the running kernel
 *	src/source/connector.c	process connector: subscription, loss, the way out
 *	src/source/guard.c	helper process that acts when this one is killed
 *	src/source/delayacct.c	delay accounting on for the run
 *	src/source/exec_reader.c	command lines before the first instruction
 *	src/source/priority.c	threads that run before who woke them
 *	src/source/owner.c	who has a socket, at its first packet: owner_tap.c: the packet,
 *				unless owner_quiet.c; owner_space.c: the socket; owner_memory.c:
 *				whose it is or, by owner_scan.c and owner_process.c, becomes; or
 *				by owner_later.c
 *	src/source/taskstats.c	exit records: registration, draining
 *	src/source/netlink.c	buffers, loss counters, batches of both
 *	src/source/network.c	all of the network: namespaces, packets, sockets, owners;
 *				network_state.h, network_account.c: what it counted
 *	src/source/space.c	one network namespace; netns.c: how it is found and entered;
 *				closer.c: how it is left; refusals.c: what is told if not
 *	src/source/capture.c	packets through libpcap; capture_file.c: into a file and back
 *	src/source/devices.c	at which devices packets count, so that each counts once
 *	src/source/diag.c	socket diagnosis: lookups, notices of sockets that are gone
 *	src/source/tracepoints.c	socket tracepoints: which, when, what they lost
 *	src/source/flooders.c	whose datagrams are too many to be told of
 *	src/source/perf.c	their rings; tracefs.c: their formats
 *	src/source/procfs.c	reads /proc; procfs_made.c: sums of threads, open descriptors
 *	src/source/machine.c	the machine's totals
 *	src/source/oom.c	whom the OOM killer killed
 *	src/source/host.c	the machine
 *	src/source/record.c	stores what the kernel said; record_names.h: its keys
 *	src/source/replay.c	gives it back; replay_lines.c: what is in JSON
 *	src/source/network_line.c	what the network told, in JSON; network_replay.c: given back
 *
 *	src/wire/cn.c		connector messages
 *	src/wire/proc.c		text of /proc/PID; proc_tasks.c: of threads; proc_fd.c: of files
 *	src/wire/machine.c	text of /proc/stat, meminfo, loadavg
 *	src/wire/kmsg.c		the kernel's log
 *	src/wire/cursor.h	texts from left to right
 *	src/wire/packet.c	captured packets, from link header to ports
 *	src/wire/inet_diag.c	socket diagnosis: questions, answers, notices
 *	src/wire/attribute.h	netlink attributes; address.h: IP addresses
 *	src/wire/tracepoint.c	records of the socket tracepoints
 *	src/wire/taskstats.c	exit records: what a thread has used
 *
 *	src/util/		macro.h list.h; hash.c ring.c strbuf.c base64.c escape.c parse.c
 *				clock.c log.c
 *
 *	man/pevent.8		the manual
 *	contrib/		setup dev.ini; completions/{pevent.bash,_pevent,pevent.fish}
 *				examples/embed.c systemd/pevent.service
 *				schema/pevent-1.schema.json
 *	contrib/logrotate/pevent	rotation of a log by its owner
 */
#include <fcntl.h>

#include "cli/cmd.h"
#include "cli/diag.h"
#include "cli/options.h"
#include "cli/session.h"
#include "pevent/pevent.h"
#include "util/macro.h"

static const struct verb {
	const char *name;	/* NULL: without a verb */
	unsigned int options;
	int (*run)(const struct options *o);
} verbs[] = {
	{ NULL, VERB_LOG, cmd_log },
	{ "record", VERB_RECORD, cmd_record },
};

/* Else the first file that is opened would be taken for a standard stream that is closed. */
static int guard_standard_fds(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return -1;
	return 0;
}

static const struct verb *find_verb(const char *word)
{
	for (size_t i = 1; word && i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i].name, word))
			return &verbs[i];
	return &verbs[0];
}

static int print(const struct strbuf *b)
{
	for (size_t done = 0; done < b->len;) {
		ssize_t r = write(STDOUT_FILENO, b->data + done, b->len - done);

		if (r <= 0) {
			diag("standard output", "cannot be written");
			return STATUS_ERROR;
		}
		done += (size_t)r;
	}
	return STATUS_OK;
}

static int run_verb(const struct verb *verb, const struct options *o)
{
	struct strbuf b = { 0 };
	int status;

	if (!o->help && !o->version)
		return verb->run(o);
	if (o->help) {
		options_help(verb->options, &b);
	} else {
		strbuf_puts(&b, "pevent ");
		strbuf_puts(&b, pevent_version());
		strbuf_putc(&b, '\n');
	}
	status = print(&b);
	strbuf_finish(&b);
	return status;
}

int main(int argc, char **argv)
{
	const struct verb *verb = find_verb(argc > 1 ? argv[1] : NULL);
	int skip = verb->name ? 1 : 0;
	struct strbuf why = { 0 };
	struct options o = { 0 };
	int r, status;

	if (guard_standard_fds() < 0)
		return STATUS_ERROR;
	r = options_parse(&o, verb->options, argc - skip, argv + skip, &why);
	if (r < 0) {
		if (why.len)
			diag(NULL, "%.*s", (int)why.len, why.data);
		else
			diag_errno("options", r);
		status = STATUS_USAGE;
	} else {
		status = run_verb(verb, &o);
	}
	strbuf_finish(&why);
	options_finish(&o);
	return status;
}
