/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes a small tree of processes in which each kind of event happens, one step after the other,
 * and writes down what a logger of process events must show:
 *
 *	tree TRUTH_FILE
 *
 * One line per expected event: EVENT, thread, process, parent, detail, arguments, separated by
 * tabs; what does not apply is "-"; arguments are separated by the byte 0x1f and are those that
 * the process has at that moment. Details: exit: wait status as wait(2) gave it; comm: the new
 * name; uid, gid, sid: the new id; ptrace: the tracer or 0; clone: begin or end.
 *
 * `tree --role STATUS ...` is what it executes itself as: it ends with that status.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3, NOBODY = 65534, ARGS_MAX = 512 };

static FILE *truth;
static char self[4096];
static char own_args[ARGS_MAX];		/* of the process that runs this code, joined */

/* What children tell: their threads' and children's ids. */
static struct notes {
	_Atomic pid_t ids[THREADS + 1];
} *notes;

static void die(const char *what)
{
	fprintf(stderr, "tree: %s: %s\n", what, strerror(errno));
	exit(99);
}

static void expect(const char *event, pid_t tid, pid_t pid, pid_t ppid, const char *args,
		   const char *format, ...) __attribute__((format(printf, 6, 7)));

static void expect(const char *event, pid_t tid, pid_t pid, pid_t ppid, const char *args,
		   const char *format, ...)
{
	va_list ap;

	fprintf(truth, "%s\t%d\t%d\t%d\t", event, (int)tid, (int)pid, (int)ppid);
	va_start(ap, format);
	vfprintf(truth, format, ap);
	va_end(ap);
	fprintf(truth, "\t%s\n", args);
}

static void expect_fork(pid_t pid, pid_t ppid)
{
	expect("fork", pid, pid, ppid, own_args, "-");
}

static void expect_exit(pid_t pid, pid_t ppid, int status, const char *args)
{
	expect("exit", pid, pid, ppid, args, "%d", status);
}

static void join_args(char *buf, char *const argv[])
{
	size_t n = 0;

	buf[0] = '\0';
	for (int i = 0; argv[i]; i++)
		n += (size_t)snprintf(buf + n, ARGS_MAX - n, "%s%s", i ? "\x1f" : "", argv[i]);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			die("waitpid");
	}
	return status;
}

/* fork() with nothing left in stdio's buffers. */
static pid_t fork_child(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die("fork");
	return pid;
}

static void *note_self(void *slot)
{
	atomic_store((_Atomic pid_t *)slot, gettid());
	return NULL;
}

static pid_t note_wait(int slot)
{
	pid_t id;

	while (!(id = atomic_load(&notes->ids[slot])))
		sched_yield();
	return id;
}

/* A child that only ends. */
static void step_exit(void)
{
	pid_t pid = fork_child();

	if (pid == 0)
		_exit(3);
	expect_fork(pid, getpid());
	expect_exit(pid, getpid(), wait_for(pid), own_args);
}

/* fork, exec with arguments that need quoting, exit 5; the second time with vfork. */
static void step_exec(bool by_vfork)
{
	char *const argv[] = { self, "--role", "5", "two words", "", "it's", "$HOME", "--x=1",
			       NULL };
	char args[ARGS_MAX];
	pid_t pid;

	fflush(NULL);
	pid = by_vfork ? vfork() : fork();
	if (pid == 0) {
		execv(self, argv);
		_exit(98);
	}
	if (pid < 0)
		die("fork");
	join_args(args, argv);
	expect_fork(pid, getpid());
	expect("exec", pid, pid, getpid(), args, "-");
	expect_exit(pid, getpid(), wait_for(pid), args);
}

static void step_comm(void)
{
	pid_t pid = fork_child();

	if (pid == 0) {
		prctl(PR_SET_NAME, "renamed one");
		_exit(0);
	}
	expect_fork(pid, getpid());
	expect("comm", pid, pid, getpid(), own_args, "renamed one");
	expect_exit(pid, getpid(), wait_for(pid), own_args);
}

static void step_sid(void)
{
	pid_t pid = fork_child();

	if (pid == 0)
		_exit(setsid() < 0);
	expect_fork(pid, getpid());
	expect("sid", pid, pid, getpid(), own_args, "%d", (int)pid);
	expect_exit(pid, getpid(), wait_for(pid), own_args);
}

static void step_ids(void)
{
	pid_t pid = fork_child();

	if (pid == 0)
		_exit(setgid(NOBODY) || setuid(NOBODY));
	expect_fork(pid, getpid());
	expect("gid", pid, pid, getpid(), own_args, "%d", NOBODY);
	expect("uid", pid, pid, getpid(), own_args, "%d", NOBODY);
	expect_exit(pid, getpid(), wait_for(pid), own_args);
}

static void step_kill(void)
{
	pid_t pid = fork_child();

	if (pid == 0) {
		for (;;)
			pause();
	}
	expect_fork(pid, getpid());
	kill(pid, SIGKILL);
	expect_exit(pid, getpid(), wait_for(pid), own_args);
}

static void core_remove(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		if (!strncmp(e->d_name, "core", 4))
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

static void step_core(void)
{
	char dir[] = "/tmp/pevent-tree-XXXXXX";
	pid_t pid;

	if (!mkdtemp(dir))
		die("mkdtemp");
	pid = fork_child();
	if (pid == 0) {
		const struct rlimit r = { RLIM_INFINITY, RLIM_INFINITY };

		if (chdir(dir) || setrlimit(RLIMIT_CORE, &r))
			_exit(97);
		prctl(PR_SET_DUMPABLE, 1);
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
		_exit(96);
	}
	expect_fork(pid, getpid());
	expect("core", pid, pid, getpid(), own_args, "-");
	expect_exit(pid, getpid(), wait_for(pid), own_args);
	core_remove(dir);
}

static void expect_thread(pid_t pid, pid_t tid)
{
	expect("clone", tid, pid, getpid(), own_args, "begin");
	expect("clone", tid, pid, getpid(), own_args, "end");
}

static void step_threads(void)
{
	pid_t pid = fork_child();

	if (pid == 0) {
		pthread_t threads[THREADS];

		for (int i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, note_self, &notes->ids[i]);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		_exit(0);
	}
	expect_fork(pid, getpid());
	for (int i = 0; i < THREADS; i++)
		expect_thread(pid, note_wait(i));
	expect_exit(pid, getpid(), wait_for(pid), own_args);
}

static void *exec_self(void *argv)
{
	atomic_store(&notes->ids[0], gettid());
	execv(self, argv);
	_exit(98);
}

/* A thread that is not the leader executes: the leader's thread ends, the process goes on. */
static void step_thread_exec(void)
{
	char *const argv[] = { self, "--role", "6", "by-thread", NULL };
	pid_t pid = fork_child();
	char args[ARGS_MAX];

	if (pid == 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, exec_self, (void *)(uintptr_t)argv);
		for (;;)
			pause();
	}
	join_args(args, argv);
	expect_fork(pid, getpid());
	expect("clone", note_wait(0), pid, getpid(), own_args, "begin");
	expect("exec", pid, pid, getpid(), args, "-");
	expect_exit(pid, getpid(), wait_for(pid), args);
}

static void *exit_late(void *slot)
{
	atomic_store((_Atomic pid_t *)slot, gettid());
	usleep(20000);
	exit(7);
}

/* The leader's thread ends first; the process ends later, with another thread's status. */
static void step_leader_exit(void)
{
	pid_t pid = fork_child();

	if (pid == 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, exit_late, &notes->ids[0]);
		pthread_exit(NULL);
	}
	expect_fork(pid, getpid());
	expect("clone", note_wait(0), pid, getpid(), own_args, "begin");
	expect_exit(pid, getpid(), wait_for(pid), own_args);
}

static void step_ptrace(void)
{
	pid_t pid = fork_child();
	int status;

	if (pid == 0) {
		for (;;)
			pause();
	}
	expect_fork(pid, getpid());
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid ||
	    ptrace(PTRACE_DETACH, pid, NULL, NULL))
		die("ptrace");
	expect("ptrace", pid, pid, getpid(), own_args, "%d", (int)getpid());
	expect("ptrace", pid, pid, getpid(), own_args, "0");
	kill(pid, SIGTERM);
	expect_exit(pid, getpid(), wait_for(pid), own_args);
}

/* A grandchild that outlives its parent: the parent is who forked it, not who adopts it. */
static void step_orphan(void)
{
	pid_t pid, grandchild;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork_child();
	if (pid == 0) {
		grandchild = fork();
		if (grandchild == 0) {
			usleep(50000);
			_exit(9);
		}
		atomic_store(&notes->ids[0], grandchild);
		_exit(0);
	}
	grandchild = note_wait(0);
	expect_fork(pid, getpid());
	expect_fork(grandchild, pid);
	expect_exit(pid, getpid(), wait_for(pid), own_args);
	expect_exit(grandchild, pid, wait_for(grandchild), own_args);
}

int main(int argc, char **argv)
{
	static void (*const steps[])(void) = {
		step_exit, step_comm, step_sid, step_ids, step_kill, step_core, step_threads,
		step_thread_exec, step_leader_exit, step_ptrace, step_orphan,
	};
	ssize_t n;

	if (argc > 2 && !strcmp(argv[1], "--role"))
		return atoi(argv[2]);
	if (argc != 2) {
		fputs("Usage: tree TRUTH_FILE\n", stderr);
		return 2;
	}
	truth = fopen(argv[1], "we");
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	notes = mmap(NULL, sizeof(*notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (!truth || n < 0 || notes == MAP_FAILED)
		die("start");
	join_args(own_args, argv);
	expect("exec", getpid(), getpid(), getppid(), own_args, "-");
	step_exec(false);
	step_exec(true);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		memset(notes, 0, sizeof(*notes));
		steps[i]();
	}
	expect_exit(getpid(), getppid(), 0, own_args);
	return fclose(truth) ? 1 : 0;
}
