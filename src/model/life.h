/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How processes come into the table, what becomes known of them, how they leave it. */
#ifndef MODEL_LIFE_H
#define MODEL_LIFE_H

#include "model.h"

/* A new entry; whom it evicts is reported as lost. NULL: no memory. */
struct process *life_add(struct model *m, pid_t pid, uint64_t time_ns);
/* A process that the events name, known or not. NULL: no memory. */
struct process *life_meet(struct model *m, pid_t pid, uint64_t time_ns);
/* The same, where p is what the table has of that number, or NULL. */
struct process *life_meet_found(struct model *m, struct process *p, pid_t pid, uint64_t time_ns);
/* What a fork copies. */
void life_inherit(struct process *child, const struct process *parent);
/* What /proc says of a process that is not the program's own: ids, group, terminal. */
void life_take_identity(struct model *m, struct process *p, const struct proc_facts *f);
void life_end(struct model *m, struct process *p, const struct cn_event *cn, uint32_t status,
	      enum pevent_origin origin);
/* It is gone; its end, or that of its last thread, was not seen. */
void life_close(struct model *m, struct process *p, uint64_t time_ns);

/* What its account says, as EXIT (alive false) and SNAPSHOT carry it. */
void life_get_usage(const struct model *m, const struct process *p, bool alive,
		    struct pevent_usage *ret);
struct account_units life_units(const struct model *m);

/* A fork's event is a little later than the start that /proc shows. */
bool life_near(uint64_t ticks, uint64_t other);
/* May the facts be of this process, by its start? */
bool life_same_start(const struct process *p, const struct proc_facts *f);
/* In unsigned arithmetic: a recording's numbers may be anything. */
uint64_t life_ticks_of(const struct model *m, uint64_t time_ns);

#endif
