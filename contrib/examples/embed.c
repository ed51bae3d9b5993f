/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client of libpevent: which programs start and end in SECONDS, and what they have used; COMMAND
 * is something to see.
 *
 *	cc embed.c $(pkg-config --cflags --libs pevent) -o embed
 *	./embed SECONDS [COMMAND [ARG...]]
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <pevent/pevent.h>

static void complain(void *data, enum pevent_log_level level, const char *message)
{
	(void)data;
	if (level < PEVENT_LOG_DEBUG)
		fprintf(stderr, "embed: %s\n", message);
}

/* What is not known is not 0. */
static void show_usage(const struct pevent_usage *u)
{
	if (u->known & PEVENT_KNOWN_CPU)
		printf(", CPU %.3f ms (+- %.3f)", (double)u->cpu_ns / 1e6,
		       (double)u->cpu_error_ns / 1e6);
	if (u->known & PEVENT_KNOWN_PEAK)
		printf(", peak RSS %llu KiB", (unsigned long long)u->peak_rss / 1024);
}

/* Arguments are hostile bytes: a real client escapes them for where it shows them. */
static void show(const struct pevent_event *e)
{
	const struct pevent_image *image = e->process.image;
	size_t n = 0;

	if (!image || !image->args)
		return;
	for (size_t i = 0; i < image->args_len; i++)
		n += image->args[i] == '\0';
	if (e->type == PEVENT_EXEC) {
		printf("exec %6d %zu arguments: %s\n", (int)e->process.pid, n, image->args);
	} else if (WIFEXITED(e->u.exit.wait_status)) {
		printf("exit %6d status %d", (int)e->process.pid,
		       WEXITSTATUS(e->u.exit.wait_status));
		show_usage(&e->usage);
		printf(": %s\n", image->args);
	}
}

static void take_events(struct pevent *p)
{
	const struct pevent_event *e;

	while (pevent_next(p, &e) > 0) {
		if (e->type == PEVENT_EXEC || e->type == PEVENT_EXIT)
			show(e);
	}
}

int main(int argc, char **argv)
{
	const time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);
	struct pevent *p;

	if (pevent_new(&p, NULL) < 0)
		return 1;
	pevent_set_log(p, complain, NULL);
	if (pevent_add_live(p) < 0) {
		pevent_free(p);
		return 1;
	}
	if (argc > 2 && fork() == 0)
		_exit(execv(argv[2], argv + 2) ? 127 : 0);
	while (time(NULL) <= end) {
		struct pollfd fd = { .fd = pevent_get_fd(p), .events = POLLIN };

		poll(&fd, 1, 100);
		if (pevent_dispatch(p) < 0)
			break;
		take_events(p);
	}
	pevent_stop(p);
	take_events(p);
	pevent_free(p);
	return 0;
}
