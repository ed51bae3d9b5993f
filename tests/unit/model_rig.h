/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One model, facts into it, events out of it. */
#ifndef MODEL_RIG_H
#define MODEL_RIG_H

#include "facts.h"
#include "model/model.h"
#include "test.h"

#define TICK UINT64_C(10000000)		/* ns, at 100 per second */
#define SECOND UINT64_C(1000000000)

_test_ struct model m;

_test_ void begin(size_t table_max)
{
	CHECK_EQ(model_init(&m, table_max, 100), 0);
}

_test_ const struct pevent_event *next(void)
{
	return queue_take(&m.queue);
}

/* All events so far have been looked at. */
_test_ void end(void)
{
	const struct pevent_event *ev = next();

	if (ev)
		printf("# unexpected event of type %d, pid %d\n", (int)ev->type,
		       (int)ev->process.pid);
	CHECK(!ev);
	model_finish(&m);
}

_test_ void skip_all(void)
{
	while (next())
		;
}

/* The next event, which has to be that one. */
_test_ const struct pevent_event *expect_at(int line, enum pevent_type type, pid_t pid)
{
	const struct pevent_event *ev = next();

	test_true(__FILE__, line, "an event", ev);
	test_equal(__FILE__, line, "its type", ev->type, type);
	test_equal(__FILE__, line, "its pid", ev->process.pid, pid);
	return ev;
}

#define EXPECT(type, pid) expect_at(__LINE__, type, pid)
#define NO_EVENT() CHECK(!next())

_test_ void apply(struct cn_event ev)
{
	model_apply(&m, &ev, NULL, PEVENT_FROM_NONE);
}

_test_ void apply_program(uint64_t time_ns, int32_t pid, const struct proc_facts *facts)
{
	struct cn_event ev = fact(CN_EXEC, time_ns, pid, pid);

	model_apply(&m, &ev, facts, PEVENT_FROM_EXEC_READER);
}

/* A scan from begin_ns to end_ns that finds these. */
_test_ void scan(uint64_t begin_ns, uint64_t end_ns, bool first, const struct proc_facts *found,
		 size_t n)
{
	model_scan_begin(&m, begin_ns, end_ns, first);
	for (size_t i = 0; i < n; i++)
		model_scan_found(&m, &found[i]);
	model_scan_end(&m);
}

_test_ const struct pevent_process *known(pid_t pid)
{
	struct process *p = process_find_living(&m.table, pid);

	return p ? &p->pub : NULL;
}

#endif
