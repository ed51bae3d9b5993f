/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pevent/pevent.h"
#include "sink/time_text.h"
#include "util/strbuf.h"

/* The verbs that options belong to. */
enum { VERB_LOG = 1 << 0, VERB_RECORD = 1 << 1 };

/* A growing array of one type. */
struct options_list {
	void *items;
	size_t n;
};

struct options {
	bool comm, dirstrip, shortname, extra, glyph;	/* how text looks */
	bool line_buffered, quiet, statistics, json, utc, strict, realtime;
	bool failed;
	bool snapshot, files, delay_accounting, no_taskstats;
	bool no_network;
	bool help, version;
	uint64_t duration_ns;		/* 0: until a signal */
	uint64_t longer_than_ns;	/* 0: off */
	uint64_t sample_ns;		/* 0: default; PEVENT_SAMPLE_OFF */
	uint32_t receive_buffer;	/* bytes; 0: default */
	uint32_t types;			/* PEVENT_MASK()s; SNAPSHOT among them as snapshot says */
	enum time_style time;
	enum pevent_owner owner;
	const char *interface;		/* comma list of devices; NULL: all */
	const char *needs_network;	/* the option that means nothing without; NULL: none */
	const char *columns;		/* NULL: default; checked */
	const char *output;		/* NULL: standard output */
	const char *replay;		/* NULL: live */
	const char *directory;		/* record: where to */
	struct options_list pgrps, pids;	/* pid_t */
	struct options_list uids;		/* uint32_t */
	struct options_list regexes, cgroups;	/* const char * */
	char **command;			/* NULL: none; strings are argv's */
};

/* Fills a zeroed struct. -EINVAL: `why` has "what: why" for the user. argv[0] is skipped. */
int options_parse(struct options *o, unsigned int verb, int argc, char **argv, struct strbuf *why);
void options_finish(struct options *o);	/* accepts zeroed */
/* The text of --help. */
void options_help(unsigned int verb, struct strbuf *b);

#endif
