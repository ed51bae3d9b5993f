/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_WRITER_H
#define SINK_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Carries whole lines to a descriptor, from the one thread that makes them to a thread of its own
 * that writes them, through a queue of bounded size. The producer never waits: what finds no room
 * is dropped in whole lines and counted. Once something was dropped, everything is, until the queue
 * has drained and writer_resume() has told the producer how much is missing at this place.
 */
struct writer;

#define WRITER_LIMIT_DEFAULT ((size_t)8 << 20)

/* own: fd is from writer_open() and closed by the writer. limit: bytes that may wait, >= 4096. */
int writer_new(struct writer **ret, int fd, bool own, size_t limit);
/* Drops what still waits (see writer_finish()), ends the thread; returns NULL. */
struct writer *writer_free(struct writer *w);

/* One line or the lines of one event: all of data or nothing. -ENOBUFS: dropped and counted;
 * another error: the descriptor takes nothing any more. */
int writer_line(struct writer *w, const void *data, size_t len);
/* The same for a line that tells how much was lost before: it must not get lost itself, and has
 * some room of its own, also while lines are dropped. */
int writer_report(struct writer *w, const void *data, size_t len);
/* Hand over what writer_line() has collected. */
void writer_flush(struct writer *w);

/* Readable on an error and on room that writer_has_room() or writer_resume() did not find. */
int writer_get_fd(const struct writer *w);
/* Whether len bytes fit now; if not, the descriptor will tell when they do. */
bool writer_has_room(struct writer *w, size_t len);
/* Lines dropped since this was last asked, once there is room again; 0: none, or no room. */
uint64_t writer_resume(struct writer *w);

/* The same, whether there is room or not: for the end. */
uint64_t writer_unreported(struct writer *w);

/* Write what waits; after stall_ns without progress the rest is dropped and counted. Also ends a
 * state of dropping, as far as the reader takes anything: ask writer_resume() afterwards. */
void writer_finish(struct writer *w, uint64_t stall_ns);
/* First error of write(2) as negative errno; 0: none. */
int writer_error(const struct writer *w);
/* Lines dropped since the beginning. */
uint64_t writer_dropped(const struct writer *w);
/* What is written from here on goes to path, made if missing. On failure everything stays. */
int writer_reopen(struct writer *w, const char *path);
/* How writer_reopen() opens: appending, 0600, never waiting for a FIFO's reader. */
int writer_open(const char *path);

#endif
