/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "test.h"

#include "cli/options.h"
#include "pevent/pevent.h"

#define NETWORK (PEVENT_MASK(PEVENT_CONN) | PEVENT_MASK(PEVENT_CLOSE))
#define ALL (PEVENT_MASK_ALL & ~PEVENT_MASK(PEVENT_SNAPSHOT) & ~NETWORK)	/* as -e has it */

static struct options options;
static char why[1024];

/* Splits at blanks, which is enough here; what it leaves in `options` lives till the next call. */
static int parse(unsigned int verb, const char *line)
{
	static char copy[1024], *argv[32];
	struct strbuf b = { 0 };
	char *rest = copy, *word;
	int argc = 0, r;

	options_finish(&options);
	snprintf(copy, sizeof(copy), "pevent %s", line);
	while ((word = strsep(&rest, " ")))
		if (*word)
			argv[argc++] = word;
	argv[argc] = NULL;
	r = options_parse(&options, verb, argc, argv, &b);
	snprintf(why, sizeof(why), "%.*s", (int)b.len, b.data ? b.data : "");
	strbuf_finish(&b);
	return r;
}

static void check_bad(const char *line, const char *want)
{
	CHECK_EQ(parse(VERB_LOG, line), -EINVAL);
	if (strcmp(why, want))
		test_print(line, why, strlen(why));
	CHECK(!strcmp(why, want));
}

TEST(defaults)
{
	CHECK_EQ(parse(VERB_LOG, ""), 0);
	CHECK_EQ(options.types, PEVENT_MASK(PEVENT_FORK) | PEVENT_MASK(PEVENT_EXEC) |
		 PEVENT_MASK(PEVENT_EXIT) | PEVENT_MASK(PEVENT_CORE) | PEVENT_MASK(PEVENT_COMM));
	CHECK_EQ(options.time, TIME_ISO);
	CHECK(!options.statistics && !options.command && !options.output);
}

TEST(events)
{
	CHECK_EQ(parse(VERB_LOG, "-e fork,exec -e coredump --event=thread"), 0);
	CHECK_EQ(options.types, PEVENT_MASK(PEVENT_FORK) | PEVENT_MASK(PEVENT_EXEC) |
		 PEVENT_MASK(PEVENT_CORE) | PEVENT_MASK(PEVENT_CLONE));
	CHECK_EQ(parse(VERB_LOG, "-e ptrce,uid,gid,sid"), 0);
	CHECK_EQ(options.types, PEVENT_MASK(PEVENT_PTRACE) | PEVENT_MASK(PEVENT_UID) |
		 PEVENT_MASK(PEVENT_GID) | PEVENT_MASK(PEVENT_SID));
	CHECK_EQ(parse(VERB_LOG, "-E"), 0);
	CHECK_EQ(options.types, ALL);
	check_bad("-e bogus", "-e: bogus: no such event; there are fork exec exit core comm clone "
			      "ptrce uid gid sid snap conn close net all");
	check_bad("-e fork,", "-e: : no such event; there are fork exec exit core comm clone "
			      "ptrce uid gid sid snap conn close net all");
}

TEST(snapshots_are_asked_for_by_name)
{
	const uint32_t fallback = PEVENT_MASK(PEVENT_FORK) | PEVENT_MASK(PEVENT_EXEC) |
				  PEVENT_MASK(PEVENT_EXIT) | PEVENT_MASK(PEVENT_CORE) |
				  PEVENT_MASK(PEVENT_COMM);
	const uint32_t snap = PEVENT_MASK(PEVENT_SNAPSHOT);

	CHECK_EQ(parse(VERB_LOG, "-e all"), 0);
	CHECK(options.types == ALL && !options.snapshot);
	CHECK_EQ(parse(VERB_LOG, "-S"), 0);
	CHECK(options.types == fallback && !options.snapshot);
	CHECK_EQ(parse(VERB_LOG, "--snapshot"), 0);
	CHECK(options.types == (fallback | snap) && options.snapshot);
	CHECK_EQ(parse(VERB_LOG, "-e snap"), 0);
	CHECK(options.types == snap && options.snapshot);
	CHECK_EQ(parse(VERB_LOG, "-e snapshot -e exit"), 0);
	CHECK(options.types == (snap | PEVENT_MASK(PEVENT_EXIT)) && options.snapshot);
	CHECK_EQ(parse(VERB_LOG, "-e snap -X"), 0);
	CHECK(options.types == (ALL | snap) && options.snapshot);
	CHECK_EQ(parse(VERB_LOG, "-e exit --snapshot"), 0);
	CHECK(options.types == (snap | PEVENT_MASK(PEVENT_EXIT)) && options.snapshot);
}

TEST(sampling)
{
	CHECK_EQ(parse(VERB_LOG, ""), 0);
	CHECK_EQ(options.sample_ns, 0);
	CHECK(!options.files && !options.delay_accounting && !options.no_taskstats);
	CHECK_EQ(parse(VERB_LOG, "--sample 0.5 --files --delayacct --no-taskstats"), 0);
	CHECK_EQ(options.sample_ns, 500000000);
	CHECK(options.files && options.delay_accounting && options.no_taskstats);
	CHECK_EQ(parse(VERB_LOG, "--sample 0"), 0);
	CHECK_EQ(options.sample_ns, PEVENT_SAMPLE_OFF);
	CHECK_EQ(parse(VERB_LOG, "--sample=1ms"), 0);
	CHECK_EQ(options.sample_ns, 1000000);
	check_bad("--sample 999us", "--sample: 999us: must be at least 1ms, or 0 for never");
	check_bad("--sample often", "--sample: often: not a time such as 60, 0.5, 90s, 5m or 1h");
	check_bad("--sample 99999999999999999999",
		  "--sample: 99999999999999999999: out of range");
	check_bad("--sample", "--sample: needs an argument");
	CHECK_EQ(parse(VERB_RECORD, "--sample 10ms --files --delayacct --no-taskstats dir"), 0);
	CHECK_EQ(options.sample_ns, 10000000);
	CHECK(options.files && options.delay_accounting && options.no_taskstats);
	CHECK_EQ(parse(VERB_RECORD, "--snapshot dir"), -EINVAL);
}

TEST(network)
{
	CHECK_EQ(parse(VERB_LOG, ""), 0);
	CHECK(!options.no_network && !options.interface && options.owner == PEVENT_OWNER_AUTO);
	CHECK(!options.needs_network);
	CHECK_EQ(parse(VERB_LOG, "-e net"), 0);
	CHECK_EQ(options.types, NETWORK);
	CHECK_EQ(parse(VERB_LOG, "-e conn -e exit"), 0);
	CHECK_EQ(options.types, PEVENT_MASK(PEVENT_CONN) | PEVENT_MASK(PEVENT_EXIT));
	CHECK_EQ(parse(VERB_LOG, "-E -e close"), 0);
	CHECK_EQ(options.types, ALL | PEVENT_MASK(PEVENT_CLOSE));
	CHECK(!strcmp(options.needs_network, "-e"));
	CHECK_EQ(parse(VERB_LOG, "-E -X -e fork,snap"), 0);
	CHECK(!options.needs_network);
	CHECK_EQ(parse(VERB_LOG, "-i eth0,wg-home --owner diag"), 0);
	CHECK(!strcmp(options.interface, "eth0,wg-home"));
	CHECK_EQ(options.owner, PEVENT_OWNER_DIAG);
	CHECK_EQ(parse(VERB_LOG, "-i any --owner=perf"), 0);
	CHECK(!options.interface && options.owner == PEVENT_OWNER_PERF);
	CHECK(!strcmp(options.needs_network, "--owner"));
	CHECK_EQ(parse(VERB_LOG, "-i eth0 -i any"), 0);
	CHECK(!options.interface && !strcmp(options.needs_network, "-i"));
	CHECK_EQ(parse(VERB_LOG, "-i fifteen-letters --owner auto"), 0);
	check_bad("-i sixteen-letters-", "-i: sixteen-letters-: not the name of a device");
	check_bad("--interface eth0,", "-i: : not the name of a device");
	check_bad("-i a/b", "-i: a/b: not the name of a device");
	check_bad("-i ..", "-i: ..: not the name of a device");
	check_bad("-i any,lo", "-i: any: stands for all devices, beside which there are none");
	check_bad("-i lo,any", "-i: any: stands for all devices, beside which there are none");
	check_bad("--owner ebpf", "--owner: ebpf: not one of auto, perf, diag");
	CHECK_EQ(parse(VERB_LOG, "--no-net -S"), 0);
	CHECK(options.no_network);
	check_bad("--no-net -i eth0", "--no-net: leaves nothing for -i, --owner, -e net");
	check_bad("--owner diag --no-net", "--no-net: leaves nothing for -i, --owner, -e net");
	check_bad("--owner auto --no-net", "--no-net: leaves nothing for -i, --owner, -e net");
	check_bad("--no-net -i any", "--no-net: leaves nothing for -i, --owner, -e net");
	check_bad("-e exit,close --no-net", "--no-net: leaves nothing for -i, --owner, -e net");
	CHECK_EQ(parse(VERB_RECORD, "-i eth0 --owner diag dir"), 0);
	CHECK(options.interface && options.owner == PEVENT_OWNER_DIAG);
	CHECK_EQ(parse(VERB_RECORD, "--no-net dir"), 0);
	CHECK(options.no_network && options.types == PEVENT_MASK_ALL && !options.needs_network);
}

TEST(forkstat_letters)
{
	CHECK_EQ(parse(VERB_LOG, "-cdD 10 -eexec -ghlrsSp 77 -qx"), 0);
	CHECK(options.comm && options.dirstrip && options.glyph && options.line_buffered);
	CHECK(options.realtime && options.shortname && options.statistics && options.quiet);
	CHECK(options.extra && options.help);
	CHECK_EQ(options.duration_ns, 10000000000);
	CHECK_EQ(options.pgrps.n, 1);
	CHECK_EQ(((pid_t *)options.pgrps.items)[0], 77);
	CHECK_EQ(parse(VERB_LOG, "-q"), 0);
	CHECK(options.statistics);
	CHECK_EQ(parse(VERB_LOG, "-X"), 0);
	CHECK(options.types == ALL && options.glyph && options.realtime);
	CHECK(options.statistics && options.extra && !options.quiet);
}

TEST(times)
{
	CHECK_EQ(parse(VERB_LOG, "-D 0.5 --longer-than 5ms --time boot --utc"), 0);
	CHECK_EQ(options.duration_ns, 500000000);
	CHECK_EQ(options.longer_than_ns, 5000000);
	CHECK_EQ(options.time, TIME_BOOT);
	CHECK(options.utc);
	check_bad("-D 0", "-D: 0: must be more than nothing");
	check_bad("-D x", "-D: x: not a time such as 60, 0.5, 90s, 5m or 1h");
	check_bad("--duration=-1", "-D: -1: not a time such as 60, 0.5, 90s, 5m or 1h");
	check_bad("-D 99999999999999999999", "-D: 99999999999999999999: out of range");
	check_bad("--time rfc3339", "--time: rfc3339: not one of clock, iso, epoch, boot");
}

TEST(filters)
{
	CHECK_EQ(parse(VERB_LOG, "-P 1,2 -P 4194304 -U root,65534 -C ^/bin,x -C b -G /a* -F"), 0);
	CHECK_EQ(options.pids.n, 3);
	CHECK_EQ(((pid_t *)options.pids.items)[2], 4194304);
	CHECK_EQ(options.uids.n, 2);
	CHECK_EQ(((uint32_t *)options.uids.items)[0], 0);
	CHECK_EQ(((uint32_t *)options.uids.items)[1], 65534);
	CHECK_EQ(options.regexes.n, 2);
	CHECK(!strcmp(((const char **)options.regexes.items)[0], "^/bin,x"));
	CHECK_EQ(options.cgroups.n, 1);
	CHECK(options.failed);
	check_bad("-P 0", "-P: 0: not a process id");
	check_bad("-P 1,x", "-P: x: not a process id");
	check_bad("-P 4194305", "-P: 4194305: not a process id");
	check_bad("-p -3", "-p: -3: not a process group");
	check_bad("-U no\x1buser", "-U: no\\x1buser: no such user");
	check_bad("-U 4294967295", "-U: 4294967295: no such user");
	CHECK_EQ(parse(VERB_LOG, "-C ("), -EINVAL);
	CHECK(!strncmp(why, "-C: (: ", 7));
}

TEST(columns)
{
	CHECK_EQ(parse(VERB_LOG, "--columns classic"), 0);
	CHECK_EQ(parse(VERB_LOG, "--columns=time,user,process"), 0);
	CHECK_EQ(parse(VERB_LOG, "--columns x"), -EINVAL);
	CHECK(!strncmp(why, "--columns: x: no such column; there are time ", 45));
}

TEST(command)
{
	CHECK_EQ(parse(VERB_LOG, "-S -- ls -e bogus -- x"), 0);
	CHECK(options.statistics && options.command);
	CHECK(!strcmp(options.command[0], "ls") && !strcmp(options.command[2], "bogus"));
	CHECK(!strcmp(options.command[3], "--") && !options.command[5]);
	check_bad("--", "--: a command is missing");
	check_bad("-R dir -- ls", "-R: a recording cannot follow a command");
	check_bad("stat", "stat: not a verb (commands to run go after --)");
	check_bad("-S ls", "ls: not a verb (commands to run go after --)");
	check_bad("-S record x", "record: a verb is the first word");
}

TEST(unknown_options)
{
	check_bad("-Z", "-Z: no such option (--help lists them)");
	check_bad("-SZ", "-Z: no such option (--help lists them)");
	check_bad("-k eth0", "-k: no such option (--help lists them)");
	check_bad("--net", "--net: no such option (--help lists them)");
	check_bad("--quiet=yes", "--quiet=yes: takes no argument");
	check_bad("-o", "-o: needs an argument");
	check_bad("--output", "--output: needs an argument");
	check_bad("-S --columns", "--columns: needs an argument");
}

TEST(record)
{
	CHECK_EQ(parse(VERB_RECORD, "-D 5 dir -S -- make -j"), 0);
	CHECK(!strcmp(options.directory, "dir"));
	CHECK(options.statistics);
	CHECK(!strcmp(options.command[1], "-j"));
	CHECK_EQ(options.duration_ns, 5000000000);
	CHECK_EQ(options.types, PEVENT_MASK_ALL);
	CHECK(!options.snapshot);
	CHECK_EQ(parse(VERB_RECORD, ""), -EINVAL);
	CHECK_EQ(parse(VERB_RECORD, "a b"), -EINVAL);
	CHECK_EQ(parse(VERB_RECORD, "-j a"), -EINVAL);
	CHECK_EQ(parse(VERB_RECORD, "--help"), 0);
}

TEST(help)
{
	static const unsigned int verbs[] = { VERB_LOG, VERB_RECORD };

	for (int i = 0; i < 2; i++) {
		struct strbuf b = { 0 };
		size_t column = 0;

		options_help(verbs[i], &b);
		CHECK(b.len > 0 && b.data[b.len - 1] == '\n');
		for (size_t k = 0; k < b.len; k++) {
			column = b.data[k] == '\n' ? 0 : column + 1;
			CHECK(column <= 80);
		}
		strbuf_finish(&b);
	}
}

TEST(nothing_is_left)
{
	options_finish(&options);
	options_finish(&options);
	CHECK_EQ(options.pids.n, 0);
}

TEST_MAIN()
