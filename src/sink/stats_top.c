/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sink/command_text.h"
#include "sink/stats_top.h"
#include "util/macro.h"

#define COMMAND_MAX 128

void stats_put_command(struct strbuf *b, const struct pevent_process *p)
{
	struct pevent_process brief = *p;
	struct pevent_image image;
	size_t len = COMMAND_MAX;

	if (p->image && p->image->args && p->image->args_len > len) {
		image = *p->image;
		while (len > COMMAND_MAX - 4 && (image.args[len] & 0xc0) == 0x80)
			len--;	/* the middle of a character */
		image.args_total = MAX(image.args_total, image.args_len);
		image.args_len = len;
		brief.image = &image;
	}
	command_text(b, &brief, (struct command_style){ 0 });
}

void stats_top_finish(struct stats_top *t)
{
	for (size_t i = 0; i < t->n; i++)
		strbuf_finish(&t->consumers[i].command);
	t->n = 0;
}

void stats_top_add(struct stats_top *t, uint64_t value, bool estimate,
		   const struct stats_row *program, const struct pevent_event *event)
{
	struct stats_consumer new = {
		.value = value,
		.pid = event->process.pid,
		.estimate = estimate,
		.alive = event->type == PEVENT_SNAPSHOT,
		.program = program,
	};
	size_t at = t->n;

	if (!value || (t->n == STATS_TOP_MAX && value <= t->consumers[at - 1].value))
		return;
	if (t->n == STATS_TOP_MAX) {
		new.command = t->consumers[--at].command;	/* its memory */
		strbuf_reset(&new.command);
	} else {
		t->n++;
	}
	for (; at && t->consumers[at - 1].value < value; at--)
		t->consumers[at] = t->consumers[at - 1];
	stats_put_command(&new.command, &event->process);
	t->consumers[at] = new;
}
