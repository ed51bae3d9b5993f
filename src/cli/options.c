/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One table of options; getopt_long(3), --help and, by a test, man page and completions follow. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>

#include "cli/option_values.h"
#include "pevent/pevent.h"
#include "util/escape.h"
#include "util/macro.h"

#define TYPES_DEFAULT (PEVENT_MASK(PEVENT_FORK) | PEVENT_MASK(PEVENT_EXEC) | \
		       PEVENT_MASK(PEVENT_EXIT) | PEVENT_MASK(PEVENT_CORE) | \
		       PEVENT_MASK(PEVENT_COMM))

#define FLAG(id, field) \
	static int set_##id(struct parser *p, _unused_ const char *value) \
	{ \
		p->o->field = true; \
		return 0; \
	}

FLAG(comm, comm)
FLAG(dirstrip, dirstrip)
FLAG(glyph, glyph)
FLAG(help, help)
FLAG(version, version)
FLAG(line_buffered, line_buffered)
FLAG(realtime, realtime)
FLAG(shortname, shortname)
FLAG(statistics, statistics)
FLAG(extra, extra)
FLAG(json, json)
FLAG(utc, utc)
FLAG(failed, failed)
FLAG(strict, strict)
FLAG(files, files)
FLAG(snapshot, snapshot)
FLAG(delayacct, delay_accounting)
FLAG(no_taskstats, no_taskstats)
FLAG(no_net, no_network)

static int set_quiet(struct parser *p, _unused_ const char *value)
{
	p->o->quiet = p->o->statistics = true;
	return 0;
}

static int set_all_events(struct parser *p, _unused_ const char *value)
{
	p->o->types |= TYPES_ALL;
	return 0;
}

static int set_everything(struct parser *p, const char *value)
{
	struct options *o = p->o;

	o->glyph = o->realtime = o->statistics = o->extra = true;
	return set_all_events(p, value);
}

struct option_def {
	char letter;		/* 0: none */
	const char *name;	/* NULL: none */
	const char *arg;	/* NULL: takes none */
	const char *help;	/* lines of at most 49 columns */
	unsigned int verbs;
	int (*take)(struct parser *p, const char *value);
};

#define BOTH (VERB_LOG | VERB_RECORD)

static const struct option_def defs[] = {
	{ 'c', "comm", NULL, "name processes by their 16-byte comm field", VERB_LOG, set_comm },
	{ 'd', "dirstrip", NULL, "strip the directory from argv[0]", VERB_LOG, set_dirstrip },
	{ 'D', "duration", "TIME", "run for TIME: 60, 0.5, 90s, 5m, 1h", BOTH,
	  option_take_duration },
	{ 'e', "event", "LIST", "events, by commas: fork exec exit core comm\n"
	  "clone ptrce uid gid sid snap conn close; net is\n"
	  "conn,close; all is all but snap and net; the\n"
	  "default is fork,exec,exit,core,comm", VERB_LOG, option_take_events },
	{ 'E', "all-events", NULL, "the same as -e all", VERB_LOG, set_all_events },
	{ 'g', "glyph", NULL, "show glyphs for events", VERB_LOG, set_glyph },
	{ 'h', "help", NULL, "print this help", BOTH, set_help },
	{ 'v', "version", NULL, "print the version", BOTH, set_version },
	{ 'l', "line-buffer", NULL, "write each line at once", VERB_LOG, set_line_buffered },
	{ 'p', "pgrp", "PGID", "only these process groups", VERB_LOG, option_take_pgrps },
	{ 'q', "quiet", NULL, "print no events; implies -S", VERB_LOG, set_quiet },
	{ 'r', "realtime", NULL, "run the event loop with real-time priority", BOTH,
	  set_realtime },
	{ 's', "shortname", NULL, "first word of the command line only", VERB_LOG,
	  set_shortname },
	{ 'S', "statistics", NULL, "print statistics at the end", BOTH, set_statistics },
	{ 'x', "extra", NULL, "show UID, EUID and TTY", VERB_LOG, set_extra },
	{ 'X', "everything", NULL, "the same as -E -g -r -S -x", VERB_LOG, set_everything },
	{ 'j', "json", NULL, "JSON Lines instead of text, statistics too", VERB_LOG, set_json },
	{ 'o', "output", "FILE", "append the events to FILE instead of standard\n"
	  "output; JSON Lines if it ends in .json, .jsonl\nor .ndjson; reopened on SIGHUP",
	  VERB_LOG, option_take_output },
	{ 0, "columns", "LIST", "columns of the text; \"classic\" is forkstat's", VERB_LOG,
	  option_take_columns },
	{ 0, "time", "STYLE", "clock, iso (default), epoch or boot", VERB_LOG, option_take_time },
	{ 0, "utc", NULL, "times in UTC instead of local time", VERB_LOG, set_utc },
	{ 'P', "pid", "PID", "only these processes and their descendants", VERB_LOG,
	  option_take_pids },
	{ 'U', "user", "USER", "only these users, by name or number", VERB_LOG, option_take_users },
	{ 'C', "match", "REGEX", "only command lines or executables that match", VERB_LOG,
	  option_take_regex },
	{ 'G', "cgroup", "GLOB", "only cgroups that match", VERB_LOG, option_take_cgroup },
	{ 'F', "failed", NULL, "only exits with a status other than 0", VERB_LOG, set_failed },
	{ 0, "longer-than", "TIME", "only exits after a life of at least TIME", VERB_LOG,
	  option_take_longer_than },
	{ 0, "snapshot", NULL, "show who is there at the start and at the end, and\n"
	  "what they used meanwhile; adds snap to -e", VERB_LOG, set_snapshot },
	{ 0, "sample", "TIME", "look at each process every TIME, 0: never; the\n"
	  "default is as often as 1 % of a CPU allows, at\nmost once a second", BOTH,
	  option_take_sample },
	{ 0, "files", NULL, "list the open files of processes (in JSON)", BOTH, set_files },
	{ 0, "delayacct", NULL, "switch the kernel's delay accounting on meanwhile", BOTH,
	  set_delayacct },
	{ 0, "no-taskstats", NULL, "do without the kernel's exit accounting: what was\n"
	  "used is as last sampled", BOTH, set_no_taskstats },
	{ 'i', "interface", "IFACE", "count what passes these network devices, by\n"
	  "commas; the default is any", BOTH, option_take_interface },
	{ 0, "owner", "HOW", "how owners of sockets are found: perf (socket\n"
	  "tracepoints), diag (a lookup at the first packet,\n"
	  "which misses some) or auto, the default", BOTH, option_take_owner },
	{ 0, "no-net", NULL, "do without network accounting: nothing is captured", BOTH,
	  set_no_net },
	{ 0, "strict", NULL, "exit with status 3 when anything was lost", BOTH, set_strict },
	{ 0, "receive-buffer", "SIZE", "kernel memory asked for to hold events that wait;\n"
	  "the default is 64M", BOTH, option_take_receive_buffer },
	{ 'R', "replay", "DIR", "replay the recording in DIR", VERB_LOG, option_take_replay },
};

/* What getopt_long() returns for a name without a letter: 256 + index. */
enum { BY_INDEX = 256 };

struct getopt_tables {
	char letters[2 * ARRAY_SIZE(defs) + 3];
	struct option names[ARRAY_SIZE(defs) + 1];
};

static void make_tables(struct getopt_tables *t, unsigned int verb)
{
	char *s = t->letters;
	size_t n = 0;

	*s++ = '-';	/* words that are no options, in their order, as code 1 */
	*s++ = ':';	/* a missing argument is ':' */
	for (size_t i = 0; i < ARRAY_SIZE(defs); i++) {
		const struct option_def *def = &defs[i];

		if (!(def->verbs & verb))
			continue;
		if (def->letter) {
			*s++ = def->letter;
			if (def->arg)
				*s++ = ':';
		}
		if (def->name)
			t->names[n++] = (struct option){
				.name = def->name,
				.has_arg = def->arg ? required_argument : no_argument,
				.val = BY_INDEX + (int)i,
			};
	}
	*s = '\0';
	t->names[n] = (struct option){ 0 };
}

static const struct option_def *find_def(int code, unsigned int verb)
{
	if (code >= BY_INDEX)
		return &defs[code - BY_INDEX];
	for (size_t i = 0; i < ARRAY_SIZE(defs); i++)
		if (defs[i].letter == code && (defs[i].verbs & verb))
			return &defs[i];
	return NULL;
}

/* A word that is no option: the directory of record, else nothing that there is. */
static int take_word(struct parser *p, unsigned int verb, const char *word, bool first)
{
	if (verb == VERB_RECORD && !p->o->directory) {
		p->o->directory = word;
		return 0;
	}
	escape_text(p->why, word, strlen(word));
	if (verb == VERB_RECORD)
		strbuf_puts(p->why, ": one directory is enough (commands to run go after --)");
	else if (!first && !strcmp(word, "record"))
		strbuf_puts(p->why, ": a verb is the first word");
	else
		strbuf_puts(p->why, ": not a verb (commands to run go after --)");
	return -EINVAL;
}

static int take_option(struct parser *p, const struct option_def *def)
{
	if (def->letter)
		snprintf(p->option, sizeof(p->option), "-%c", def->letter);
	else
		snprintf(p->option, sizeof(p->option), "--%s", def->name);
	return def->take(p, optarg);
}

/* getopt_long() found no such option, or no argument to it. */
static int bad_option(struct parser *p, int code, char **argv)
{
	const char *word = argv[optind - 1];
	char letter[3] = { '-', (char)optopt, '\0' };

	if (optopt > 0 && optopt < BY_INDEX)
		word = letter;
	escape_text(p->why, word, strlen(word));
	if (code == ':')
		strbuf_puts(p->why, ": needs an argument");
	else if (optopt >= BY_INDEX)
		strbuf_puts(p->why, ": takes no argument");
	else
		strbuf_puts(p->why, ": no such option (--help lists them)");
	return -EINVAL;
}

static int check(struct parser *p, unsigned int verb)
{
	struct options *o = p->o;
	const char *why = NULL;

	if (o->help || o->version)
		return 0;
	if (o->command && !o->command[0])
		why = "--: a command is missing";
	else if (verb == VERB_RECORD && !o->directory)
		why = "record: the directory to write to is missing";
	else if (o->replay && o->command)
		why = "-R: a recording cannot follow a command";
	else if (o->no_network && o->needs_network)
		why = "--no-net: leaves nothing for -i, --owner, -e net";
	if (why) {
		strbuf_puts(p->why, why);
		return -EINVAL;
	}
	if (!o->types)
		o->types = verb == VERB_RECORD ? PEVENT_MASK_ALL : TYPES_DEFAULT;
	o->snapshot |= verb == VERB_LOG && o->types & PEVENT_MASK(PEVENT_SNAPSHOT);
	if (o->snapshot)
		o->types |= PEVENT_MASK(PEVENT_SNAPSHOT);
	return 0;
}

int options_parse(struct options *o, unsigned int verb, int argc, char **argv, struct strbuf *why)
{
	struct parser p = { .o = o, .why = why };
	struct getopt_tables tables;
	int code, r = 0;

	make_tables(&tables, verb);
	opterr = 0;
	optind = 0;	/* glibc: start over, with other tables */
	while (!r && (code = getopt_long(argc, argv, tables.letters, tables.names, NULL)) >= 0) {
		const struct option_def *def;

		if (code == 1) {
			r = take_word(&p, verb, optarg, optind == 2);
			continue;
		}
		def = code == '?' || code == ':' ? NULL : find_def(code, verb);
		r = def ? take_option(&p, def) : bad_option(&p, code, argv);
	}
	if (r < 0)
		return r;
	if (optind > 1 && !strcmp(argv[optind - 1], "--"))
		o->command = argv + optind;
	return check(&p, verb);
}

void options_finish(struct options *o)
{
	free(o->pgrps.items);
	free(o->pids.items);
	free(o->uids.items);
	free(o->regexes.items);
	free(o->cgroups.items);
	*o = (struct options){ 0 };
}

static void help_option(const struct option_def *def, struct strbuf *b)
{
	static const char indent[] = "                              ";
	size_t start = b->len, width = sizeof(indent) - 1;
	const char *line = def->help, *end;

	strbuf_puts(b, "  ");
	if (def->letter)
		strbuf_printf(b, "-%c%s", def->letter, def->name ? ", " : "");
	else
		strbuf_puts(b, "    ");
	if (def->name)
		strbuf_printf(b, "--%s", def->name);
	if (def->arg)
		strbuf_printf(b, " %s", def->arg);
	strbuf_pad(b, ' ', b->len - start < width ? width - (b->len - start) : 1);
	for (; (end = strchr(line, '\n')); line = end + 1) {
		strbuf_append(b, line, (size_t)(end + 1 - line));
		strbuf_puts(b, indent);
	}
	strbuf_puts(b, line);
	strbuf_putc(b, '\n');
}

void options_help(unsigned int verb, struct strbuf *b)
{
	static const char log[] =
		"Usage: pevent [OPTION...] [-- COMMAND [ARG...]]\n"
		"       pevent record [OPTION...] DIR [-- COMMAND [ARG...]]\n\n"
		"Log what processes do: their forks, programs, ends. With COMMAND: only what it\n"
		"and its descendants do, until it ends. It shares standard output with the log;\n"
		"-o keeps them apart.\n\n";
	static const char record[] =
		"Usage: pevent record [OPTION...] DIR [-- COMMAND [ARG...]]\n\n"
		"Store in DIR, which must be new or empty, what the kernel says about processes,\n"
		"for pevent -R DIR. With COMMAND: until it ends.\n\n";
	static const char filters[] =
		"\n-e -p -P -U -C -G may be repeated; -e -p -P -U take comma lists. Filters of\n"
		"one kind are alternatives, those of different kinds must all match.\n";
	static const char status[] =
		"\nExit status: 0 done, 1 could not run or write, 2 bad arguments, 3 with\n"
		"--strict when anything was lost; with COMMAND its own, 128+N for signal N.\n";

	strbuf_puts(b, verb == VERB_RECORD ? record : log);
	for (size_t i = 0; i < ARRAY_SIZE(defs); i++)
		if (defs[i].verbs & verb)
			help_option(&defs[i], b);
	strbuf_puts(b, verb == VERB_LOG ? filters : "");
	strbuf_puts(b, status);
}
