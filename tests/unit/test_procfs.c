/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading processes: below a /proc made by hand, and this program in the real one. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "source/procfs.h"
#include "source/procfs_made.h"
#include "test.h"
#include "util/macro.h"

#define MASK(file) PROC_FILE_MASK(PROC_##file)
#define STAT(threads) "42 (x) S 1 42 42 0 -1 0 10 20 3 40 5 6 7 8 20 0 " threads " 0 100 0\n"
#define STATUS "Uid:\t1\t1\t1\t1\nGid:\t2\t2\t2\t2\nvoluntary_ctxt_switches:\t60\n" \
	"nonvoluntary_ctxt_switches:\t70\n"
#define IO "rchar: 1\nwchar: 2\nread_bytes: 3\nwrite_bytes: 4\ncancelled_write_bytes: 5\n"

static struct clock virtual_clock = { .is_virtual = true, .now_ns = 77 };
static struct procfs fs;
static char dir[64];
static char *record;

static struct proc_facts sample(int32_t pid, unsigned int mask)
{
	struct proc_facts f;
	size_t len;

	fs.mask = mask;
	free(record);
	record = malloc(procfs_record_max(&fs));
	len = procfs_sample(&fs, pid, record);
	CHECK(len <= procfs_record_max(&fs));
	CHECK_EQ(proc_read_decode(record, len, &f), 0);
	CHECK_EQ(f.pid, pid);
	CHECK_EQ(f.event_ns, 0);
	CHECK_EQ(f.read_ns, 77);
	return f;
}

static int32_t result_of(enum proc_file file)
{
	return ((const struct proc_read *)(const void *)record)->result[file];
}

static void open_root(const char *path)
{
	fs = (struct procfs){ .fd = procfs_open(path), .args_max = 100, .clock = &virtual_clock };
	CHECK(fs.fd >= 0);
}

static void make_root(void)
{
	strcpy(dir, "/tmp/pevent-unit-XXXXXX");
	CHECK(mkdtemp(dir));
	open_root(dir);
}

static void remove_root(void)
{
	char command[128];

	close(fs.fd);
	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	CHECK_EQ(system(command), 0);
}

static void make_dir(const char *path)
{
	CHECK_EQ(mkdirat(fs.fd, path, 0700), 0);
}

static void put(const char *path, const char *text)
{
	int fd = openat(fs.fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void put_at(const char *at, const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", at, name);
	put(path, text);
}

static void make_thread(const char *path)
{
	make_dir(path);
	put_at(path, "stat", STAT("1"));
	put_at(path, "schedstat", "1000 200 30\n");
	put_at(path, "io", IO);
	put_at(path, "status", STATUS);
}

TEST(files)
{
	struct proc_facts f;

	make_root();
	make_dir("42");
	put("42/stat", STAT("1"));
	put("42/status", STATUS);
	put("42/oom_score", "2000\n");
	f = sample(42, MASK(STAT) | MASK(STATUS) | MASK(OOM_SCORE) | MASK(CGROUP));
	CHECK(f.has_stat && f.has_status && f.has_oom_score && !f.has_tasks && !f.has_fd_count);
	CHECK_EQ(f.stat.start_ticks, 100);
	CHECK_EQ(f.status.egid, 2);
	CHECK_EQ(f.oom_score, 2000);
	CHECK_EQ(result_of(PROC_CGROUP), -ENOENT);
	CHECK_EQ(result_of(PROC_TASKS), -ENODATA);
	remove_root();
}

TEST(nobody_there)
{
	struct proc_facts f;

	make_root();
	f = sample(42, MASK(STAT) | MASK(TASKS));
	CHECK(!f.has_stat && !f.has_tasks);
	CHECK_EQ(result_of(PROC_STAT), -ESRCH);
	CHECK_EQ(result_of(PROC_TASKS), -ESRCH);
	/* without the file that tells, each one is tried */
	make_dir("42");
	f = sample(42, MASK(STATUS) | MASK(TASKS) | MASK(FD) | MASK(FD_COUNT));
	CHECK(!f.has_status && !f.has_tasks && !f.has_fd_count && !f.fds);
	CHECK_EQ(result_of(PROC_FD), -ENOENT);
	CHECK_EQ(result_of(PROC_FD_COUNT), -ENOENT);
	CHECK_EQ(result_of(PROC_TASKS), -ENOENT);
	remove_root();
}

TEST(threads_are_summed)
{
	struct proc_facts f;

	make_root();
	make_dir("42");
	put("42/stat", STAT("3"));
	make_dir("42/task");
	make_thread("42/task/42");
	make_thread("42/task/43");
	make_dir("42/task/44");		/* ended while we looked */
	make_dir("42/task/x");
	f = sample(42, MASK(STAT) | MASK(TASKS));
	CHECK(f.has_tasks);
	CHECK(f.tasks.has_schedstat && f.tasks.has_io && f.tasks.has_switches);
	CHECK_EQ(f.tasks.threads, 2);
	CHECK_EQ(f.tasks.user_ticks, 10);
	CHECK_EQ(f.tasks.system_ticks, 12);
	CHECK_EQ(f.tasks.minor_faults, 20);
	CHECK_EQ(f.tasks.major_faults, 6);
	CHECK_EQ(f.tasks.run_ns, 2000);
	CHECK_EQ(f.tasks.run_queue_waits, 60);
	CHECK_EQ(f.tasks.cancelled_write_bytes, 10);
	CHECK_EQ(f.tasks.involuntary_switches, 140);
	put("42/task/44/stat", STAT("1"));	/* not ended: it does not give the rest */
	f = sample(42, MASK(STAT) | MASK(TASKS));
	CHECK_EQ(f.tasks.threads, 3);
	CHECK(!f.tasks.has_schedstat && !f.tasks.has_io && !f.tasks.has_switches);
	remove_root();
}

/* The one thread's status is the process's, and is not read twice. */
TEST(one_thread)
{
	struct proc_facts f;

	make_root();
	make_dir("42");
	put("42/stat", STAT("1"));
	put("42/status", "Uid:\t1\t1\nGid:\t2\t2\nvoluntary_ctxt_switches:\t6\n"
	    "nonvoluntary_ctxt_switches:\t7\n");
	make_dir("42/task");
	make_thread("42/task/42");
	make_thread("42/task/43");	/* of a moment later */
	f = sample(42, MASK(STAT) | MASK(STATUS) | MASK(TASKS));
	CHECK_EQ(f.tasks.threads, 1);
	CHECK_EQ(f.tasks.voluntary_switches, 6);
	CHECK_EQ(f.tasks.user_ticks, 5);
	f = sample(42, MASK(STAT) | MASK(TASKS));
	CHECK_EQ(f.tasks.threads, 1);
	CHECK_EQ(f.tasks.voluntary_switches, 60);
	f = sample(42, MASK(TASKS));
	CHECK_EQ(f.tasks.threads, 2);
	remove_root();
}

TEST(a_kernel_that_does_not_count_run_queues)
{
	struct proc_facts f;

	make_root();
	make_dir("42");
	make_dir("42/task");
	make_thread("42/task/42");
	put("42/task/42/schedstat", "0 0 0\n");
	f = sample(42, MASK(TASKS));
	CHECK(f.has_tasks && !f.tasks.has_schedstat && f.tasks.has_io);
	remove_root();
}

TEST(too_many_threads)
{
	struct proc_facts f;
	char path[64];

	make_root();
	make_dir("42");
	make_dir("42/task");
	make_thread("42/task/42");
	for (int i = 1; i < PROCFS_THREADS_MAX; i++) {
		snprintf(path, sizeof(path), "42/task/%d", 1000 + i);
		CHECK_EQ(symlinkat("42", fs.fd, path), 0);
	}
	f = sample(42, MASK(TASKS));
	CHECK(f.has_tasks);
	CHECK_EQ(f.tasks.threads, PROCFS_THREADS_MAX);
	CHECK_EQ(symlinkat("42", fs.fd, "42/task/9999"), 0);
	f = sample(42, MASK(TASKS));
	CHECK(!f.has_tasks);
	CHECK_EQ(result_of(PROC_TASKS), -E2BIG);
	remove_root();
	/* stat tells without a look at any. */
	make_root();
	make_dir("42");
	put("42/stat", STAT("300000"));
	f = sample(42, MASK(STAT) | MASK(TASKS));
	CHECK(f.has_stat && !f.has_tasks);
	CHECK_EQ(result_of(PROC_TASKS), -E2BIG);
	remove_root();
}

/* Of fds; NULL: it has none of that number. */
static const char *target_of(const struct proc_facts *f, int fd, char *ret_type)
{
	const char *text = f->fds;
	size_t len = f->fds_len;
	struct proc_fd entry;

	while (proc_fd_next(&text, &len, &entry)) {
		if (entry.fd != fd)
			continue;
		*ret_type = entry.type;
		return entry.target;
	}
	CHECK_EQ(len, 0);
	return NULL;
}

static void check_fd(const struct proc_facts *f, int fd, char type, const char *target)
{
	char have = 0;
	const char *name = target_of(f, fd, &have);

	CHECK(name);
	CHECK_EQ(have, type);
	CHECK_STR(name, strlen(name) * (strcmp(name, target) != 0), "");
}

TEST(open_files)
{
	struct proc_facts f;

	make_root();
	make_dir("42");
	make_dir("42/fd");
	CHECK_EQ(symlinkat("/dev/null", fs.fd, "42/fd/0"), 0);
	CHECK_EQ(symlinkat("/", fs.fd, "42/fd/1"), 0);
	CHECK_EQ(symlinkat("socket:[4711]", fs.fd, "42/fd/2"), 0);
	CHECK_EQ(symlinkat("pipe:[4712]", fs.fd, "42/fd/3"), 0);
	CHECK_EQ(symlinkat("anon_inode:[eventpoll]", fs.fd, "42/fd/40"), 0);
	CHECK_EQ(symlinkat("/no such file (deleted)", fs.fd, "42/fd/2147483647"), 0);
	CHECK_EQ(symlinkat("../stat", fs.fd, "42/fd/5"), 0);
	put("42/stat", STAT("1"));
	f = sample(42, MASK(FD));
	check_fd(&f, 0, 'c', "/dev/null");
	check_fd(&f, 1, 'd', "/");
	check_fd(&f, 2, 's', "socket:[4711]");
	check_fd(&f, 3, 'p', "pipe:[4712]");
	check_fd(&f, 40, '?', "anon_inode:[eventpoll]");
	check_fd(&f, 2147483647, '?', "/no such file (deleted)");
	check_fd(&f, 5, 'r', "../stat");
	CHECK(!target_of(&f, 6, &(char){ 0 }));
	remove_root();
}

TEST(open_files_are_cut_behind_an_entry)
{
	char path[64], target[1001];
	struct proc_facts f;
	unsigned int n = 0;
	const char *text;
	struct proc_fd fd;
	size_t len;

	make_root();
	make_dir("42");
	make_dir("42/fd");
	memset(target, 'x', sizeof(target) - 1);
	target[sizeof(target) - 1] = '\0';
	for (int i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), "42/fd/%d", i);
		CHECK_EQ(symlinkat(target, fs.fd, path), 0);
	}
	f = sample(42, MASK(FD));
	CHECK(f.fds_len <= PROCFS_FD_TEXT_MAX && f.fds_len > PROCFS_FD_TEXT_MAX - 1100);
	for (text = f.fds, len = f.fds_len; proc_fd_next(&text, &len, &fd); n++)
		CHECK_EQ(strlen(fd.target), sizeof(target) - 1);
	CHECK_EQ(len, 0);
	CHECK(n >= 31 && n <= 33);
	remove_root();
}

/* A directory of that kernel's whose size is 0, as that of fd is before Linux 6.2. */
TEST(open_files_are_counted)
{
	struct proc_facts f;

	make_root();
	make_dir("42");
	CHECK_EQ(symlinkat("/proc/self/task", fs.fd, "42/fd"), 0);
	f = sample(42, MASK(FD_COUNT));
	CHECK(f.has_fd_count);
	CHECK_EQ(f.fd_count, 1);
	remove_root();
}

/* Whether the record at *at is of a process whose descriptors were read; moves on to the next. */
static bool next_has_fds(const struct strbuf *b, size_t *at)
{
	struct proc_facts f;
	uint32_t len = load_u32(b->data + *at);

	CHECK_EQ(proc_read_decode(b->data + *at + sizeof(len), len, &f), 0);
	*at += sizeof(len) + len;
	CHECK(f.has_fd_count);
	return f.fds;
}

TEST(a_scan_that_holds_enough_reads_no_more_descriptors)
{
	const size_t held = PROCFS_SCAN_FULL - 1;
	struct strbuf b = { 0 };
	size_t at = held;

	make_root();
	make_dir("42");
	make_dir("42/fd");
	CHECK_EQ(symlinkat("pipe:[5]", fs.fd, "42/fd/0"), 0);
	make_dir("43");
	make_dir("43/fd");
	CHECK_EQ(symlinkat("pipe:[6]", fs.fd, "43/fd/0"), 0);
	fs.mask = MASK(FD) | MASK(FD_COUNT);
	CHECK(strbuf_reserve(&b, held));
	strbuf_commit(&b, held);
	CHECK_EQ(procfs_scan(&fs, &b), 0);
	CHECK(next_has_fds(&b, &at));
	CHECK(!next_has_fds(&b, &at));
	CHECK_EQ(at, b.len);
	strbuf_reset(&b);
	CHECK_EQ(procfs_scan(&fs, &b), 0);
	at = 0;
	CHECK(next_has_fds(&b, &at) && next_has_fds(&b, &at));
	CHECK_EQ(at, b.len);
	strbuf_finish(&b);
	remove_root();
}

/* --- this program --- */

static void *wait_for_end(void *line)
{
	char byte;

	(void)!read(*(int *)line, &byte, 1);
	return NULL;
}

static void burn(void)
{
	for (volatile int i = 0; i < 20000000; i++)
		;
}

TEST(this_program)
{
	struct proc_facts f;

	open_root("/proc");
	burn();
	f = sample((int32_t)getpid(), MASK(STAT) | MASK(STATUS) | MASK(TASKS) | MASK(OOM_SCORE) |
		   MASK(FD) | MASK(FD_COUNT));
	CHECK(f.has_stat && f.has_status && f.has_tasks && f.has_fd_count);
	CHECK(f.status.has_memory && f.status.rss > 0 && f.status.peak_rss >= f.status.rss);
	CHECK(f.status.vm >= f.status.rss);
	CHECK_EQ(f.status.uid, getuid());
	CHECK_EQ(f.tasks.threads, 1);
	CHECK(f.tasks.minor_faults > 0);
	/* A kernel may be built without these; what it gives is not nothing. */
	CHECK(!f.tasks.has_schedstat || (f.tasks.run_ns > 1000000 && f.tasks.run_queue_waits));
	CHECK(!f.tasks.has_io || f.tasks.read_chars > 0);
	CHECK(f.tasks.has_switches);
	CHECK(f.has_oom_score);
	close(fs.fd);
}

TEST(threads_of_this_program)
{
	struct proc_facts one, four;
	pthread_t thread[3];
	int line[2];

	open_root("/proc");
	one = sample((int32_t)getpid(), MASK(STAT) | MASK(STATUS) | MASK(TASKS));
	CHECK_EQ(pipe(line), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, wait_for_end, line), 0);
	four = sample((int32_t)getpid(), MASK(STAT) | MASK(STATUS) | MASK(TASKS));
	close(line[1]);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	close(line[0]);
	CHECK_EQ(one.tasks.threads, 1);
	CHECK_EQ(four.stat.threads, 4);
	CHECK_EQ(four.tasks.threads, 4);
	CHECK(four.tasks.minor_faults >= one.tasks.minor_faults);
	CHECK_EQ(four.tasks.has_io, one.tasks.has_io);
	CHECK(four.tasks.voluntary_switches >= one.tasks.voluntary_switches);
	close(fs.fd);
}

TEST(open_files_of_this_program)
{
	struct proc_facts f, more;
	int line[2], sock, null, folder;
	char name[64], have = 0;

	open_root("/proc");
	f = sample((int32_t)getpid(), MASK(FD_COUNT));
	CHECK_EQ(pipe(line), 0);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	folder = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(sock >= 0 && null >= 0 && folder >= 0);
	more = sample((int32_t)getpid(), MASK(FD) | MASK(FD_COUNT));
	/* Its own descriptors of the moment are the same in both. */
	CHECK_EQ(more.fd_count, f.fd_count + 5);
	check_fd(&more, null, 'c', "/dev/null");
	check_fd(&more, folder, 'd', "/tmp");
	snprintf(name, sizeof(name), "pipe:[");
	CHECK(!strncmp(target_of(&more, line[0], &have), name, strlen(name)));
	CHECK_EQ(have, 'p');
	CHECK(!strncmp(target_of(&more, sock, &have), "socket:[", 8));
	CHECK_EQ(have, 's');
	close(line[0]);
	close(line[1]);
	close(sock);
	close(null);
	close(folder);
	close(fs.fd);
}

TEST(a_dead_one)
{
	struct proc_facts f;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	CHECK_EQ(waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	open_root("/proc");
	f = sample(pid, MASK(STAT) | MASK(STATUS) | MASK(TASKS) | MASK(FD));
	CHECK(f.has_stat);
	CHECK_EQ(f.stat.state, 'Z');
	CHECK(!f.status.has_memory);
	CHECK(!f.has_tasks);		/* what it used is in its exit record */
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	f = sample(pid, MASK(STAT) | MASK(TASKS));
	CHECK(!f.has_stat);
	CHECK_EQ(result_of(PROC_TASKS), -ESRCH);
	close(fs.fd);
}

/* By its path and by its directory, a process says the same. */
TEST(read_is_sample_with_an_event)
{
	unsigned int mask = MASK(CMDLINE) | MASK(EXE) | MASK(CGROUP) | MASK(LOGINUID);
	char *buf = malloc(65536 * 2);
	struct proc_facts f, g;
	size_t len;

	open_root("/proc");
	f = sample((int32_t)getpid(), mask);
	len = procfs_read(&fs, (int32_t)getpid(), 5, PROCFS_FROM_FILE, buf);
	CHECK_EQ(proc_read_decode(buf, len, &g), 0);
	CHECK_EQ(g.event_ns, 5);
	CHECK_EQ(f.args_len, g.args_len);
	CHECK(!memcmp(f.exe, g.exe, f.exe_len));
	/* With a file that is made of a directory, too. */
	fs.mask |= MASK(STAT) | MASK(FD_COUNT);
	len = procfs_read(&fs, (int32_t)getpid(), 6, PROCFS_FROM_MEMORY, buf);
	CHECK_EQ(proc_read_decode(buf, len, &g), 0);
	CHECK_EQ(g.event_ns, 6);
	CHECK(g.has_fd_count && g.has_stat);
	CHECK_EQ(f.args_len, g.args_len);
	free(buf);
	close(fs.fd);
}

TEST_MAIN()
