/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a program's command line before its first instruction.
 *
 * The EXEC event is sent by the exec'ing task, on its CPU. A real-time thread pinned to that CPU
 * preempts the task when it wakes: it reads /proc while the task cannot run, let alone exit. One
 * such thread per CPU, each with a socket that takes only EXEC of its CPU. A reader on any other
 * CPU races with the program and loses against short ones.
 */
#ifndef SOURCE_EXEC_READER_H
#define SOURCE_EXEC_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "priority.h"
#include "procfs.h"
#include "source.h"
#include "util/log.h"

struct exec_readers;

/* fs is copied but for the descriptor and clock it names. */
int exec_readers_new(struct exec_readers **ret, const struct procfs *fs);
struct exec_readers *exec_readers_free(struct exec_readers *r);

/* Warns of each step down the ladder. */
void exec_readers_tell(const struct exec_readers *r, const struct log *log);
unsigned int exec_readers_count(const struct exec_readers *r);
enum priority exec_readers_mode(const struct exec_readers *r);

/*
 * The record (wire/proc.h) of the EXEC that pid did at event_ns on cpu; it stays until the next
 * call. Asked in the order of event_ns; older records are thrown away. A reader that makes no
 * progress for 100 ms while it is waited for is given up on.
 */
enum source_answer exec_readers_get(struct exec_readers *r, uint32_t cpu, int32_t pid,
					 uint64_t event_ns, uint64_t now_ns, const void **ret,
					 size_t *ret_len);

/* Command lines handed over; those missed are known to who asks for them. */
uint64_t exec_readers_read(const struct exec_readers *r);

#endif
