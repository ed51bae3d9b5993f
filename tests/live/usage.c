/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Uses resources, one child after the other, and writes down what the kernel told its parent about
 * each: what a logger of resource use must show.
 *
 *	usage [-o FILE] [-d DIR] jobs JOB:NUMBER...	children of itself; see the table of jobs
 *	usage [-o FILE] [-n N] run PROGRAM [ARG...]	the program, N times
 *	usage [-o FILE] rusage PROGRAM [ARG...]		the program, and all that it waited for
 *
 * One line per child: job= pid= status= (of wait4) cpu_ns= maxrss_kb= inblock= oublock= minflt=
 * majflt= nvcsw= nivcsw=; of a job that counts them also read= written= (bytes of its calls) and
 * block_read= block_written= cancelled= (its own /proc/self/io, at its end). Nothing in it asks for
 * the CPU time that is being spent, except "phases": the kernel would bring its account up to date.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE	/* O_DIRECT */
#endif
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	MSEC = 1000000, THREADS = 4, STAGES = 3, PHASE_MS = 200,
	BLOCK = 1 << 20, ODD = 700,	/* so that rounding to KiB shows */
	PATH_SIZE = 4096,
};

/* What a child knows of itself, in memory it shares with its parent. */
struct notes {
	bool counted;
	uint64_t read, written;
	uint64_t block_read, block_written, cancelled;
};

struct task {
	uint64_t number;
	char file[PATH_SIZE];	/* its own; prepared by the parent where the job reads it */
	struct notes *notes;
};

struct job {
	const char *name;
	int (*run)(struct task *t);
	bool prepare;
};

static char self[PATH_SIZE];

static void die(const char *what)
{
	fprintf(stderr, "usage: %s: %s\n", what, strerror(errno));
	_exit(99);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 * MSEC + (uint64_t)ts.tv_nsec;
}

static void burn(uint64_t ms)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + ms * MSEC;

	while (clock_ns(CLOCK_MONOTONIC) < end)
		;
}

static void sleep_ms(uint64_t ms)
{
	struct timespec ts = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * MSEC) };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static int job_burn(struct task *t)
{
	burn(t->number);
	return 0;
}

static int job_sleep(struct task *t)
{
	for (uint64_t i = 0; i < t->number; i++)
		sleep_ms(1);
	return 0;
}

/* Sleeps now and then, so that its CPU time is not its lifetime. */
static int job_mixed(struct task *t)
{
	for (uint64_t i = 0; i < t->number; i++) {
		sleep_ms(1);
		burn(10);
	}
	return 0;
}

static int job_touch(struct task *t)
{
	size_t size = (size_t)t->number << 20;
	volatile char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				-1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
	return 0;
}

/* A buffer that O_DIRECT accepts; each thread its own. */
static char *block_new(void)
{
	char *p = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	memset(p, 0x5a, BLOCK);
	return p;
}

static uint64_t write_all(int fd, uint64_t size)
{
	char *block = block_new();
	uint64_t done = 0;

	while (done < size) {
		ssize_t n = write(fd, block, size - done < BLOCK ? size - done : BLOCK);

		if (n <= 0)
			die("write");
		done += (uint64_t)n;
	}
	munmap(block, BLOCK);
	return done;
}

static uint64_t read_all(int fd)
{
	char *block = block_new();
	uint64_t done = 0;
	ssize_t n;

	while ((n = read(fd, block, BLOCK)) > 0)
		done += (uint64_t)n;
	if (n < 0)
		die("read");
	munmap(block, BLOCK);
	return done;
}

static int open_file(const struct task *t, int flags)
{
	int fd = open(t->file, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		die(t->file);
	return fd;
}

/* The kernel's account of this process's files, and the bytes of asking for it. */
static void count_io(struct task *t)
{
	char buf[512];
	int fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	struct notes *notes = t->notes;
	const char *p;

	if (n < 0)
		die("/proc/self/io");
	close(fd);
	buf[n] = '\0';
	p = strstr(buf, "\nread_bytes:");
	if (!p || sscanf(p, "\nread_bytes: %" SCNu64 "\nwrite_bytes: %" SCNu64
			 "\ncancelled_write_bytes: %" SCNu64, &notes->block_read,
			 &notes->block_written, &notes->cancelled) != 3)
		die("/proc/self/io: not understood");
	notes->read += (uint64_t)n;
	notes->counted = true;
}

static int job_fsync(struct task *t)
{
	int fd = open_file(t, O_WRONLY | O_CREAT | O_TRUNC);

	t->notes->written = write_all(fd, (t->number << 20) + ODD);
	if (fsync(fd))
		die("fsync");
	count_io(t);
	return 0;
}

static int job_truncate(struct task *t)
{
	int fd = open_file(t, O_WRONLY | O_CREAT | O_TRUNC);

	t->notes->written = write_all(fd, (t->number << 20) + ODD);
	if (ftruncate(fd, 0))
		die("ftruncate");
	count_io(t);
	return 0;
}

static int job_direct(struct task *t)
{
	t->notes->read = read_all(open_file(t, O_RDONLY | O_DIRECT));
	count_io(t);
	return 0;
}

static int job_cached(struct task *t)
{
	t->notes->read = read_all(open_file(t, O_RDONLY));
	count_io(t);
	return 0;
}

static void *thread_run(void *data)
{
	struct task *t = data;
	char file[PATH_SIZE + 16];
	int fd;

	snprintf(file, sizeof(file), "%s.%d", t->file, (int)gettid());
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		die(file);
	unlink(file);
	burn(t->number);
	__atomic_add_fetch(&t->notes->written, write_all(fd, BLOCK + ODD), __ATOMIC_RELAXED);
	close(fd);
	return NULL;
}

static int job_threads(struct task *t)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, thread_run, t))
			die("pthread_create");
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	count_io(t);
	return 0;
}

static void *last_run(void *data)
{
	const struct task *t = data;

	sleep_ms(50);	/* the leader is gone by then */
	burn(t->number);
	_exit(7);
}

static int job_leader(struct task *t)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, last_run, t))
		die("pthread_create");
	burn(t->number);
	pthread_exit(NULL);
}

static int stage(uint64_t left, uint64_t ms)
{
	char argument[64];

	burn(ms);
	if (!left)
		return 0;
	snprintf(argument, sizeof(argument), "%" PRIu64 ":%" PRIu64, left - 1, ms);
	execl(self, "usage", "stage", argument, (char *)NULL);
	return 127;
}

static int job_chain(struct task *t)
{
	return stage(STAGES, t->number);
}

/* Burns; then, for every byte of standard input, again for PHASE_MS; ends when there is no more. */
static int job_phases(struct task *t)
{
	char c;

	burn(t->number);
	do {
		dprintf(STDOUT_FILENO, "pid=%d cpu_ns=%" PRIu64 "\n", (int)getpid(),
			clock_ns(CLOCK_PROCESS_CPUTIME_ID));
		if (read(STDIN_FILENO, &c, 1) != 1)
			return 0;
		burn(PHASE_MS);
	} while (true);
}

static int job_files(struct task *t)
{
	int pair[2], fd = open_file(t, O_RDONLY);
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || sock < 0 || pipe(pair))
		die("files");
	sleep_ms(t->number);
	return 0;
}

static const struct job jobs[] = {
	{ "burn", job_burn, false },		/* milliseconds */
	{ "sleep", job_sleep, false },		/* times a millisecond */
	{ "mixed", job_mixed, false },		/* times a sleep, and 10 ms burnt */
	{ "touch", job_touch, false },		/* MiB of memory */
	{ "fsync", job_fsync, false },		/* MiB and a bit, written */
	{ "truncate", job_truncate, false },	/* the same, then the file is cut to nothing */
	{ "direct", job_direct, true },		/* MiB, past the page cache */
	{ "cached", job_cached, true },		/* MiB, from the page cache */
	{ "threads", job_threads, false },	/* four burn milliseconds and write 1 MiB each */
	{ "leader", job_leader, false },	/* burns and leaves before the other thread */
	{ "chain", job_chain, false },		/* milliseconds, each of four programs */
	{ "phases", job_phases, false },	/* milliseconds, and then on demand */
	{ "files", job_files, true },		/* milliseconds; FILE, socket and pipe open */
};

static void report(FILE *f, const char *name, pid_t pid, int status, const struct rusage *ru,
		   const struct notes *notes)
{
	uint64_t us = (uint64_t)(ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1000000 +
		      (uint64_t)(ru->ru_utime.tv_usec + ru->ru_stime.tv_usec);

	fprintf(f, "job=%s pid=%d status=%d cpu_ns=%" PRIu64 " maxrss_kb=%ld inblock=%ld "
		"oublock=%ld minflt=%ld majflt=%ld nvcsw=%ld nivcsw=%ld", name, (int)pid, status,
		us * 1000, ru->ru_maxrss, ru->ru_inblock, ru->ru_oublock, ru->ru_minflt,
		ru->ru_majflt, ru->ru_nvcsw, ru->ru_nivcsw);
	if (notes && notes->counted)
		fprintf(f, " read=%" PRIu64 " written=%" PRIu64 " block_read=%" PRIu64
			" block_written=%" PRIu64 " cancelled=%" PRIu64, notes->read,
			notes->written, notes->block_read, notes->block_written, notes->cancelled);
	fputc('\n', f);
}

static int reap(pid_t pid, struct rusage *ru)
{
	int status;

	while (wait4(pid, &status, 0, ru) < 0) {
		if (errno != EINTR)
			die("wait4");
	}
	return status;
}

/* Written and on the disk, and then, for "cached", read once by somebody else. */
static void prepare(const struct task *t, bool cached)
{
	int fd = open_file(t, O_RDWR | O_CREAT | O_TRUNC);

	write_all(fd, t->number << 20);
	if (fsync(fd))
		die("fsync");
	if (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		die("posix_fadvise");
	if (cached && lseek(fd, 0, SEEK_SET) == 0)
		read_all(fd);
	close(fd);
}

static void do_job(FILE *out, const char *dir, const char *spec, struct notes *notes)
{
	const char *colon = strchr(spec, ':');
	size_t length = colon ? (size_t)(colon - spec) : strlen(spec);
	static struct task t;
	struct rusage ru;
	pid_t pid;
	int status;

	for (size_t i = 0; i < sizeof(jobs) / sizeof(*jobs); i++) {
		const struct job *job = &jobs[i];

		if (strlen(job->name) != length || memcmp(job->name, spec, length) != 0)
			continue;
		t.number = colon ? strtoull(colon + 1, NULL, 10) : 0;
		t.notes = notes;
		*notes = (struct notes){ 0 };
		snprintf(t.file, sizeof(t.file), "%s/usage-%s", dir, job->name);
		if (job->prepare)
			prepare(&t, job->run == job_cached);
		fflush(NULL);
		pid = fork();
		if (pid == 0)
			_exit(job->run(&t));
		status = reap(pid, &ru);
		report(out, spec, pid, status, &ru, notes);
		unlink(t.file);
		return;
	}
	errno = EINVAL;
	die(spec);
}

static void do_jobs(FILE *out, const char *dir, char **specs)
{
	struct notes *notes = mmap(NULL, sizeof(*notes), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (notes == MAP_FAILED)
		die("mmap");
	for (; *specs; specs++)
		do_job(out, dir, *specs, notes);
}

static pid_t spawn(char **argv, bool silent)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		int null = silent ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;

		if (null >= 0)
			dup2(null, STDOUT_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	return pid;
}

static int run_program(FILE *out, uint64_t n, char **argv)
{
	struct rusage ru;

	for (uint64_t i = 0; i < n; i++) {
		pid_t pid = spawn(argv, true);
		int status = reap(pid, &ru);

		report(out, "run", pid, status, &ru, NULL);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
			return 1;
	}
	return 0;
}

static int run_tree(FILE *out, char **argv)
{
	struct rusage ru;
	pid_t pid = spawn(argv, false);
	int status = reap(pid, &ru);

	if (getrusage(RUSAGE_CHILDREN, &ru))
		die("getrusage");
	report(out, "rusage", pid, status, &ru, NULL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	const char *dir = ".";
	FILE *out = stdout;
	uint64_t n = 1;
	int c, status = 0;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		die("/proc/self/exe");
	while ((c = getopt(argc, argv, "+o:d:n:")) != -1) {
		switch (c) {
		case 'o': out = fopen(optarg, "we"); break;
		case 'd': dir = optarg; break;
		case 'n': n = strtoull(optarg, NULL, 10); break;
		default: return 2;
		}
	}
	if (!out || argc - optind < 2) {
		fputs("Usage: usage [-o FILE] [-d DIR] [-n N] jobs|run|rusage ARG...\n", stderr);
		return 2;
	}
	argv += optind + 1;
	if (!strcmp(argv[-1], "stage")) {
		char *end;
		uint64_t left = strtoull(argv[0], &end, 10);

		return stage(left, strtoull(end + 1, NULL, 10));
	}
	if (!strcmp(argv[-1], "jobs")) {
		do_jobs(out, dir, argv);
	} else if (!strcmp(argv[-1], "run")) {
		status = run_program(out, n, argv);
	} else {
		status = run_tree(out, argv);
	}
	return fclose(out) ? 1 : status;
}
