/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target without a fuzzer: over each file of the corpora named as arguments, and over
 * FUZZ_RUNS (2000) mutations of each, the same ones in every run. TAP, one case per argument. When
 * the target aborts, the file and the mutation are named, and FUZZ_SAVE=FILE gets the input.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

struct input {
	char *path;
	uint8_t *data;
	size_t size;
};

struct corpus {
	struct input *inputs;
	size_t count;
};

/* For the handler. */
static const char *current_path, *save_path;
static unsigned long current_run;
static const uint8_t *current_data;
static size_t current_size;

static void say(const char *s)
{
	if (write(STDOUT_FILENO, s, strlen(s)) < 0)
		_exit(1);
}

static void on_abort(int sig)
{
	char digits[24], *p = digits + sizeof(digits);
	int fd = save_path ? open(save_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;

	if (fd >= 0 && write(fd, current_data, current_size) != (ssize_t)current_size)
		say("# could not save the input\n");
	*--p = '\0';
	for (unsigned long n = current_run; n || !p[0]; n /= 10)
		*--p = (char)('0' + n % 10);
	say("# aborted in ");
	say(current_path);
	say(", mutation ");
	say(p);
	say(" (0: as it is)\nBail out!\n");
	signal(sig, SIG_DFL);
	raise(sig);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t seed_of(const struct input *in)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < in->size; i++)
		h = (h ^ in->data[i]) * UINT64_C(0x100000001b3);
	return h | 1;
}

/* In memory of exactly that size, so that a sanitizer sees the first byte read past it. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	current_data = copy;
	current_size = size;
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

/* One step on buf, which holds size of at most max bytes; returns the new size. */
static size_t mutate(uint8_t *buf, size_t size, size_t max, const struct corpus *c, uint64_t *state)
{
	static const uint8_t edge[] = { 0x00, 0x01, 0x7f, 0x80, 0xff, '\\', '\'', '"', 0xc2, 0xe2 };
	uint64_t r = next_random(state);
	size_t at = size ? (size_t)(r >> 8) % size : 0;
	size_t n = 1 + (size_t)(r >> 40) % 16;
	const struct input *other;

	switch (r % 7) {
	case 0:	/* flip a bit */
		if (size)
			buf[at] ^= (uint8_t)(1u << (r >> 60 & 7));
		break;
	case 1:	/* any byte */
		if (size)
			buf[at] = (uint8_t)(r >> 56);
		break;
	case 2:	/* a byte that means something */
		if (size)
			buf[at] = edge[(r >> 40) % sizeof(edge)];
		break;
	case 3:	/* end early */
		size = at;
		break;
	case 4:	/* take bytes out */
		if (n > size - at)
			n = size - at;
		memmove(buf + at, buf + at + n, size - at - n);
		size -= n;
		break;
	case 5:	/* double some bytes */
		if (n > size - at)
			n = size - at;
		if (n > max - size)
			n = max - size;
		memmove(buf + at + n, buf + at, size - at);
		size += n;
		break;
	case 6:	/* go on as another file does */
		other = &c->inputs[(r >> 40) % c->count];
		n = other->size ? (size_t)(r >> 20) % other->size : 0;
		size = at + other->size - n < max ? at + other->size - n : max;
		if (size > at)
			memcpy(buf + at, other->data + n, size - at);
		break;
	}
	return size;
}

static void fuzz(const struct corpus *c, const struct input *in, unsigned long runs)
{
	uint64_t state = seed_of(in);
	size_t max = in->size * 2 + 256;
	uint8_t *buf = malloc(max);

	if (!buf)
		abort();
	current_path = in->path;
	current_run = 0;
	run(in->data, in->size);
	while (current_run < runs) {
		size_t size = in->size;

		current_run++;
		if (size)
			memcpy(buf, in->data, size);
		for (uint64_t steps = 1 + next_random(&state) % 8; steps > 0; steps--)
			size = mutate(buf, size, max, c, &state);
		run(buf, size);
	}
	free(buf);
}

static int add_file(struct corpus *c, const char *path)
{
	struct input *inputs = realloc(c->inputs, (c->count + 1) * sizeof(*inputs));
	struct input in = { 0 };
	FILE *f = fopen(path, "re");
	struct stat st;

	if (inputs)
		c->inputs = inputs;
	if (!inputs || !f || fstat(fileno(f), &st) < 0)
		goto fail;
	in.size = (size_t)st.st_size;
	in.path = strdup(path);
	in.data = malloc(in.size ? in.size : 1);
	if (!in.path || !in.data || fread(in.data, 1, in.size, f) != in.size)
		goto fail;
	fclose(f);
	c->inputs[c->count++] = in;
	return 0;
fail:
	printf("# %s: %s\n", path, strerror(errno));
	if (f)
		fclose(f);
	free(in.path);
	free(in.data);
	return -1;
}

static int add_path(struct corpus *c, const char *path)
{
	struct dirent **entries;
	int n, r = 0;

	n = scandir(path, &entries, NULL, alphasort);
	if (n < 0)
		return add_file(c, path);
	for (int i = 0; i < n; i++) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && add_file(c, name) < 0)
			r = -1;
		free(entries[i]);
	}
	free(entries);
	return r;
}

static bool run_corpus(const char *path, unsigned long runs, size_t *ret_files)
{
	struct corpus c = { 0 };
	bool ok = add_path(&c, path) == 0 && c.count;

	for (size_t i = 0; i < c.count; i++)
		fuzz(&c, &c.inputs[i], runs);
	for (size_t i = 0; i < c.count; i++) {
		free(c.inputs[i].path);
		free(c.inputs[i].data);
	}
	free(c.inputs);
	*ret_files = c.count;
	return ok;
}

int main(int argc, char **argv)
{
	const char *env = getenv("FUZZ_RUNS");
	unsigned long runs = env ? strtoul(env, NULL, 10) : 2000;
	int failed = 0;

	save_path = getenv("FUZZ_SAVE");
	signal(SIGABRT, on_abort);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		size_t files;
		bool ok = run_corpus(argv[i], runs, &files);

		printf("%s %d - %s, %zu files, %lu mutations each\n", ok ? "ok" : "not ok", i,
		       argv[i], files, runs);
		failed += !ok;
	}
	return failed || argc < 2;
}
