/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/image.h"
#include "model/queue.h"
#include "test.h"

static size_t bytes;

static struct image *make_image(const char *args, size_t len)
{
	struct proc_facts facts = { .args = args, .args_len = len, .args_total = len };

	return image_new(&facts, PEVENT_FROM_PROC, &bytes);
}

TEST(first_in_first_out)
{
	struct queue q = { 0 };
	const struct pevent_event *ev;

	queue_finish(&q);
	CHECK_EQ(queue_init(&q), 0);
	CHECK(!queue_take(&q));
	for (uint64_t i = 0; i < 1000; i++)
		queue_add(&q)->sequence = i;
	for (uint64_t i = 0; i < 1000; i++) {
		ev = queue_take(&q);
		CHECK(ev);
		CHECK_EQ(ev->sequence, i);
	}
	CHECK(!queue_take(&q));
	CHECK_EQ(q.refused, 0);
	queue_finish(&q);
	queue_finish(&q);
}

/* Growing with its places wrapped, and with an event in the client's hands. */
TEST(growth)
{
	struct queue q;
	uint64_t in = 0, out = 0;

	CHECK_EQ(queue_init(&q), 0);
	for (unsigned int round = 1; round < 50; round++) {
		for (unsigned int i = 0; i < 3 * round; i++)
			queue_add(&q)->sequence = in++;
		for (unsigned int i = 0; i < 2 * round; i++)
			CHECK_EQ(queue_take(&q)->sequence, out++);
	}
	while (out < in)
		CHECK_EQ(queue_take(&q)->sequence, out++);
	CHECK(!queue_take(&q));
	queue_finish(&q);
}

TEST(slots_come_empty)
{
	struct queue q;
	struct pevent_event *ev, zero = { 0 };

	CHECK_EQ(queue_init(&q), 0);
	for (int i = 0; i < 100; i++) {
		ev = queue_add(&q);
		CHECK(ev->type == zero.type && ev->time_ns == 0 && !ev->process.image);
		CHECK(!ev->parent.image && ev->process.comm[0] == '\0' && ev->tid == 0);
		ev->type = PEVENT_LOST;
		ev->time_ns = 1;
		ev->tid = 2;
		strcpy(ev->process.comm, "left");
		CHECK(queue_take(&q) == ev);
	}
	queue_finish(&q);
}

/* An event's images live until the next call, whatever happens to their process. */
TEST(images_are_held)
{
	struct image *image = make_image("a\0b", 4);
	const struct pevent_event *taken;
	struct pevent_event *ev;
	struct queue q;

	CHECK_EQ(queue_init(&q), 0);
	ev = queue_add(&q);
	ev->process.image = ev->parent.image = &image->pub;
	queue_hold(ev);
	CHECK_EQ(image->refs, 3);
	image_ref(image);
	image_unref(image);
	taken = queue_take(&q);
	CHECK_EQ(image->refs, 3);
	image_unref(image);
	CHECK_STR(taken->process.image->args, taken->process.image->args_len, "a\0b\0");
	CHECK_EQ(image->refs, 2);
	image_ref(image);
	CHECK(!queue_take(&q));
	CHECK_EQ(image->refs, 1);
	image_unref(image);
	queue_finish(&q);
}

TEST(what_nobody_took_is_given_back)
{
	struct image *image = make_image("x", 2);
	struct pevent_event *ev;
	struct queue q;

	CHECK_EQ(queue_init(&q), 0);
	for (int i = 0; i < 40; i++) {
		ev = queue_add(&q);
		ev->process.image = &image->pub;
		ev->process.parent_image = &image->pub;
		ev->parent.parent_image = &image->pub;
		queue_hold(ev);
	}
	CHECK_EQ(image->refs, 121);
	CHECK(queue_take(&q));
	queue_finish(&q);
	CHECK_EQ(image->refs, 1);
	image_unref(image);
}

TEST(image_pieces)
{
	struct proc_facts facts = {
		.args = "a\0\0b", .args_len = 4, .args_total = 100, .exe = "/bin/sh", .exe_len = 7,
		.cwd = "/tmp/x", .cwd_len = 4, .cgroup = "/", .cgroup_len = 1,
	}, none = { 0 };
	struct image *image = image_new(&facts, PEVENT_FROM_EXEC_READER, &bytes);

	CHECK_STR(image->pub.args, 5, "a\0\0b\0");	/* the NUL after it is not counted */
	CHECK_EQ(image->pub.args_len, 4);
	CHECK_EQ(image->pub.args_total, 100);
	CHECK(!strcmp(image->pub.exe, "/bin/sh"));
	CHECK(!strcmp(image->pub.cwd, "/tmp"));
	CHECK(!strcmp(image->pub.cgroup, "/"));
	CHECK_EQ(image->pub.origin, PEVENT_FROM_EXEC_READER);
	CHECK(image_of(&image->pub) == image);
	CHECK(!image_unref(image));
	image = image_new(&none, PEVENT_FROM_PROC, &bytes);
	CHECK(!image->pub.args && !image->pub.exe && !image->pub.cwd && !image->pub.cgroup);
	CHECK_EQ(image->pub.origin, PEVENT_FROM_NONE);
	image_unref(image);
	CHECK(!image_ref(NULL) && !image_unref(NULL) && !image_of(NULL));
}

TEST_MAIN()
