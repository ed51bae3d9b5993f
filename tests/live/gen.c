/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Load generator that knows exactly what it did: every process it makes is reaped, counted and, on
 * request, written down with its argument after the run. Linked statically, so that its children
 * are cheap. See usage().
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS_MAX = 64, TAG_MAX = 32, NSEC = 1000000000 };

struct options {
	const char *mode, *program, *tag, *truth, *out;
	uint64_t count;		/* 0: until seconds are over */
	double seconds;		/* 0: until count is reached */
	double rate;		/* processes a second, of all workers; 0: full speed */
	unsigned int workers;
	bool pin;
};

/* One worker's account, in memory it shares with the first process. */
struct account {
	uint64_t done, failed;
	uint64_t begin_ns, end_ns;
	pid_t pid;
};

struct worker {
	const struct options *o;
	unsigned int index;
	uint64_t quota;		/* UINT64_MAX: no limit but time */
	uint64_t deadline_ns;	/* UINT64_MAX: none */
	struct account *account;
	pid_t *pids;		/* one per process made; NULL: not recorded */
	uint64_t pids_max;
	char arg[TAG_MAX + 64];
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

static void usage(FILE *f)
{
	fputs("Usage: gen exec|fork|vfork|threads|rate [OPTION...]\n"
	      "  exec     vfork and exec of PROGRAM with the one argument gen-TAG-WORKER-INDEX\n"
	      "  fork     fork, the child ends at once with status 0\n"
	      "  vfork    the same with vfork\n"
	      "  threads  threads that end at once\n"
	      "  rate     exec at a given rate\n"
	      "  -n N             how many, of all workers together\n"
	      "  -t SECONDS       stop after this time (with -n: whichever comes first)\n"
	      "  -w WORKERS       processes that do it side by side (1)\n"
	      "  -r PER_SECOND    pace, of all workers together (rate; also any other)\n"
	      "  --program PATH   what exec runs (tiny, beside gen)\n"
	      "  --tag TAG        part of the argument (0)\n"
	      "  --truth FILE     write PID<TAB>ARGUMENT<TAB>PARENT of each process after the run\n"
	      "  --out FILE       write the result line there instead of to stdout\n"
	      "  --pin            worker K stays on CPU K\n"
	      "Prints mode=, execs= or forks= or threads=, failed=, elapsed_ns=, per_second=,\n"
	      "main= and workers=PID,...; ends with status 1 if anything failed.\n", f);
}

/* The name of process number i of worker w, as its only argument and in the truth file. */
static void arg_set(char *buf, size_t size, const struct options *o, unsigned int w, uint64_t i)
{
	snprintf(buf, size, "gen-%s-%u-%" PRIu64, o->tag, w, i);
}

static bool reaped_well(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The vfork child's frame must not outlive exec in its parent's: nothing here but the two calls. */
__attribute__((noinline)) static pid_t spawn_exec(const char *program, char *const argv[],
						  char *const envp[])
{
	pid_t pid = vfork();

	if (pid == 0) {
		execve(program, argv, envp);
		_exit(127);
	}
	return pid;
}

__attribute__((noinline)) static pid_t spawn_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static pid_t spawn_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static void *thread_run(void *tid)
{
	*(pid_t *)tid = gettid();
	return NULL;
}

static pid_t spawn_thread(void)
{
	pthread_t thread;
	pid_t tid = -1;

	if (pthread_create(&thread, NULL, thread_run, &tid) || pthread_join(thread, NULL))
		return -1;
	return tid;
}

/* One process or thread from start to end; its id, or -1. */
static pid_t make_one(struct worker *w, uint64_t i)
{
	static char *const envp[] = { NULL };
	const struct options *o = w->o;
	pid_t pid;

	if (!strcmp(o->mode, "threads"))
		return spawn_thread();
	if (!strcmp(o->mode, "fork")) {
		pid = spawn_fork();
	} else if (!strcmp(o->mode, "vfork")) {
		pid = spawn_vfork();
	} else {
		char *const argv[] = { (char *)(uintptr_t)o->program, w->arg, NULL };

		arg_set(w->arg, sizeof(w->arg), o, w->index, i);
		pid = spawn_exec(o->program, argv, envp);
	}
	if (pid < 0)
		return -1;
	return reaped_well(pid) ? pid : -1;
}

static void sleep_until(uint64_t ns)
{
	const struct timespec ts = {
		.tv_sec = (time_t)(ns / NSEC),
		.tv_nsec = (long)(ns % NSEC),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static void worker_run(struct worker *w)
{
	const struct options *o = w->o;
	struct account *a = w->account;
	uint64_t i;

	if (o->pin) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(w->index % (unsigned int)sysconf(_SC_NPROCESSORS_ONLN), &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
	a->pid = getpid();
	a->begin_ns = now_ns();
	for (i = 0; i < w->quota; i++) {
		pid_t pid;

		if (w->deadline_ns != UINT64_MAX && now_ns() >= w->deadline_ns)
			break;
		if (w->pids && i == w->pids_max)
			break;
		if (o->rate > 0)
			sleep_until(a->begin_ns +
				    (uint64_t)((double)i * o->workers * NSEC / o->rate));
		pid = make_one(w, i);
		if (pid < 0)
			a->failed++;
		else
			a->done++;
		if (w->pids)
			w->pids[i] = pid;
	}
	a->end_ns = now_ns();
}

static void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("gen: mmap");
		exit(1);
	}
	return p;
}

static bool truth_write(const struct options *o, const struct worker *workers)
{
	FILE *f = fopen(o->truth, "w");
	char arg[TAG_MAX + 64];

	if (!f)
		return false;
	for (unsigned int w = 0; w < o->workers; w++) {
		const struct account *a = workers[w].account;

		for (uint64_t i = 0; i < a->done + a->failed; i++) {
			if (workers[w].pids[i] < 0)
				continue;
			arg_set(arg, sizeof(arg), o, w, i);
			fprintf(f, "%d\t%s\t%d\n", (int)workers[w].pids[i], arg, (int)a->pid);
		}
	}
	return fclose(f) == 0;
}

static int result_write(const struct options *o, const struct worker *workers)
{
	const char *what = !strcmp(o->mode, "fork") || !strcmp(o->mode, "vfork") ? "forks" :
			   !strcmp(o->mode, "threads") ? "threads" : "execs";
	uint64_t done = 0, failed = 0, begin_ns = UINT64_MAX, end_ns = 0;
	FILE *f = o->out ? fopen(o->out, "w") : stdout;

	if (!f)
		return 1;
	for (unsigned int w = 0; w < o->workers; w++) {
		const struct account *a = workers[w].account;

		done += a->done;
		failed += a->failed;
		begin_ns = a->begin_ns < begin_ns ? a->begin_ns : begin_ns;
		end_ns = a->end_ns > end_ns ? a->end_ns : end_ns;
	}
	fprintf(f, "mode=%s %s=%" PRIu64 " failed=%" PRIu64 " elapsed_ns=%" PRIu64
		" per_second=%.0f main=%d workers=", o->mode, what, done, failed, end_ns - begin_ns,
		end_ns > begin_ns ? (double)done * NSEC / (double)(end_ns - begin_ns) : 0.0,
		(int)getpid());
	for (unsigned int w = 0; w < o->workers; w++)
		fprintf(f, "%s%d", w ? "," : "", (int)workers[w].account->pid);
	fputc('\n', f);
	if (f == stdout ? fflush(f) : fclose(f))
		return 1;
	return failed ? 1 : 0;
}

static int run(const struct options *o)
{
	struct account *accounts = shared(sizeof(*accounts) * o->workers);
	struct worker workers[WORKERS_MAX];
	bool well = true;

	for (unsigned int w = 0; w < o->workers; w++) {
		uint64_t quota = o->count ? o->count / o->workers + (w < o->count % o->workers) :
				 UINT64_MAX;
		pid_t pid;

		workers[w] = (struct worker){
			.o = o, .index = w, .quota = quota, .account = &accounts[w],
			.deadline_ns = o->seconds > 0 ? now_ns() + (uint64_t)(o->seconds * NSEC) :
				       UINT64_MAX,
		};
		if (o->truth) {
			workers[w].pids_max = quota == UINT64_MAX ? 1u << 24 : quota;
			workers[w].pids = shared(sizeof(pid_t) * (workers[w].pids_max + 1));
		}
		pid = fork();
		if (pid == 0) {
			worker_run(&workers[w]);
			_exit(0);
		}
		if (pid < 0) {
			perror("gen: fork");
			return 1;
		}
		accounts[w].pid = pid;
	}
	for (unsigned int w = 0; w < o->workers; w++)
		well &= reaped_well(accounts[w].pid);
	if (o->truth && !truth_write(o, workers)) {
		perror("gen: truth");
		well = false;
	}
	return result_write(o, workers) || !well;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "program", required_argument, NULL, 'P' },
		{ "tag", required_argument, NULL, 'T' },
		{ "truth", required_argument, NULL, 'F' },
		{ "out", required_argument, NULL, 'O' },
		{ "pin", no_argument, NULL, 'p' }, { "help", no_argument, NULL, 'h' }, { 0 }
	};
	static const char *const modes[] = { "exec", "fork", "vfork", "threads", "rate" };
	struct options o = { .tag = "0", .workers = 1 };
	static char tiny[4096];
	const char *slash;
	int c;

	while ((c = getopt_long(argc, argv, "n:t:w:r:h", longs, NULL)) != -1) {
		switch (c) {
		case 'n': o.count = strtoull(optarg, NULL, 10); break;
		case 't': o.seconds = strtod(optarg, NULL); break;
		case 'w': o.workers = (unsigned int)strtoul(optarg, NULL, 10); break;
		case 'r': o.rate = strtod(optarg, NULL); break;
		case 'P': o.program = optarg; break;
		case 'T': o.tag = optarg; break;
		case 'F': o.truth = optarg; break;
		case 'O': o.out = optarg; break;
		case 'p': o.pin = true; break;
		case 'h': usage(stdout); return 0;
		default: usage(stderr); return 2;
		}
	}
	for (size_t i = 0; optind < argc && i < sizeof(modes) / sizeof(*modes); i++) {
		if (!strcmp(argv[optind], modes[i]))
			o.mode = modes[i];
	}
	if (!o.mode || (!o.count && !(o.seconds > 0)) || !o.workers || o.workers > WORKERS_MAX ||
	    strlen(o.tag) > TAG_MAX || (!strcmp(o.mode, "rate") && !(o.rate > 0))) {
		usage(stderr);
		return 2;
	}
	if (!o.program) {
		slash = strrchr(argv[0], '/');
		snprintf(tiny, sizeof(tiny), "%.*stiny", slash ? (int)(slash - argv[0] + 1) : 0,
			 argv[0]);
		o.program = tiny;
	}
	return run(&o);
}
