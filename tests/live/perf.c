/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket tracepoints tell whose every connection is, in order of time. */
#include "source/perf.h"

#include <limits.h>
#include <netinet/tcp.h>

#include "namespaces.h"
#include "util/clock.h"
#include "util/macro.h"

#define CLIENTS 2000
#define SOCKETS 8192
#define DATAGRAMS 3000
#define TALKERS 4

static const struct clock real;

/* Of a socket, while it lives. */
struct opened {
	uint64_t skaddr;
	int32_t pid;
};

static struct perf perf;
static struct opened opened[SOCKETS];
static uint16_t port_by_pid[1 << 22];	/* as records tell it */
static uint32_t calls_by_pid[1 << 22];	/* that sent or received */
static uint64_t last_ns, backwards;
static uint64_t sends, send_bytes, receives, receive_bytes, not_udp, lost;
static pid_t only;		/* whose datagrams are counted */

static struct opened *slot(uint64_t skaddr)
{
	size_t i = (size_t)(skaddr >> 6) * 2654435761u % SOCKETS;

	while (opened[i].skaddr && opened[i].skaddr != skaddr)
		i = (i + 1) % SOCKETS;
	opened[i].skaddr = skaddr;
	return &opened[i];
}

static void take(void *data, const struct tracepoint_record *r)
{
	(void)data;
	backwards += r->time_ns < last_ns;
	last_ns = r->time_ns;
	lost += r->kind == TRACEPOINT_LOST ? r->lost : 0;
	if (r->kind == TRACEPOINT_SEND || r->kind == TRACEPOINT_RECEIVE)
		not_udp += r->protocol != IPPROTO_UDP;
	if ((r->kind == TRACEPOINT_SEND || r->kind == TRACEPOINT_RECEIVE) && r->pid > 0)
		calls_by_pid[r->pid]++;
	if (r->kind == TRACEPOINT_SEND && r->pid == only) {
		sends++;
		send_bytes += (uint64_t)MAX(r->returned, 0);
	}
	if (r->kind == TRACEPOINT_RECEIVE && r->pid == only && r->returned >= 0) {
		receives++;
		receive_bytes += (uint64_t)r->returned;
	}
	if (r->kind != TRACEPOINT_STATE || r->protocol != IPPROTO_TCP)
		return;
	if (r->new_state == TCP_SYN_SENT)
		slot(r->skaddr)->pid = r->pid;
	if (r->old_state == TCP_SYN_SENT && r->new_state == TCP_ESTABLISHED &&
	    slot(r->skaddr)->pid > 0)
		port_by_pid[slot(r->skaddr)->pid] = r->local_port;
}

static void drain(void)
{
	perf_drain(&perf, clock_now(&real) - MSEC, take, NULL);
}

static void begin(uint32_t pages)
{
	const struct perf_options options = { .kinds = 7, .pages = pages, .max_records = 65536 };

	leave_for_own();
	sh(0, "ip link set lo up");
	last_ns = backwards = sends = send_bytes = receives = receive_bytes = not_udp = lost = 0;
	memset(opened, 0, sizeof(opened));
	memset(port_by_pid, 0, sizeof(port_by_pid));
	memset(calls_by_pid, 0, sizeof(calls_by_pid));
	CHECK_EQ(perf_open(&perf, &options), 0);
	CHECK_EQ(perf_enable(&perf, TRACEPOINT_STATE, true), 0);
}

static void end(void)
{
	rest(5);
	perf_drain(&perf, UINT64_MAX, take, NULL);
	CHECK_EQ(backwards, 0);
	CHECK_EQ(perf.malformed, 0);
	CHECK_EQ(perf.hurried, 0);
}

static void check_owners(const char *address, unsigned int at_a_time)
{
	struct truth *t;
	unsigned int right = 0;
	pid_t server;

	begin(256);
	server = serve(0);
	t = clients(0, address, CLIENTS, at_a_time, drain);
	end();
	for (unsigned int i = 0; i < CLIENTS; i++)
		right += port_by_pid[t[i].pid] == t[i].port;
	printf("# %s, %u at a time: %u of %u, %llu records\n", address, at_a_time, right, CLIENTS,
	       (unsigned long long)perf.received);
	munmap(t, CLIENTS * sizeof(*t));
	end_process(server);
	CHECK_EQ(right, CLIENTS);
	CHECK_EQ(perf_lost(&perf), 0);
	perf_close(&perf);
}

TEST(owners_one_at_a_time)
{
	check_owners("127.0.0.1", 1);
}

TEST(owners_eight_at_a_time)
{
	check_owners("127.0.0.1", 8);
}

TEST(owners_ipv6)
{
	check_owners("::1", 8);
}

static void talk_udp(unsigned int n)
{
	struct end to = end_of("127.0.0.1", PORT);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[64];

	for (unsigned int i = 0; i < n; i++) {
		CHECK_EQ(sendto(fd, buf, 40, 0, &to.u.any, to.len), 40);
		CHECK_EQ(recv(fd, buf, sizeof(buf), 0), 40);
	}
	close(fd);
}

TEST(udp_alone_passes_the_filter)
{
	pid_t server;

	begin(256);
	only = getpid();
	server = serve(0);
	CHECK_EQ(perf_filter(&perf, TRACEPOINT_SEND, "protocol=="), -EINVAL);
	CHECK_EQ(perf_filter(&perf, TRACEPOINT_SEND, "protocol==17"), 0);
	CHECK_EQ(perf_filter(&perf, TRACEPOINT_RECEIVE, "protocol==17"), 0);
	CHECK_EQ(perf_enable(&perf, TRACEPOINT_SEND, true), 0);
	CHECK_EQ(perf_enable(&perf, TRACEPOINT_RECEIVE, true), 0);
	munmap(clients(0, "127.0.0.1", 50, 1, drain), 50 * sizeof(struct truth));
	talk_udp(DATAGRAMS);
	CHECK_EQ(perf_enable(&perf, TRACEPOINT_SEND, false), 0);
	talk_udp(10);
	end_process(server);
	end();
	CHECK_EQ(not_udp, 0);
	CHECK_EQ(sends, DATAGRAMS);
	CHECK_EQ(send_bytes, 40 * DATAGRAMS);
	CHECK_EQ(receives, DATAGRAMS + 10);
	CHECK_EQ(receive_bytes, 40 * (DATAGRAMS + 10));
	CHECK_EQ(perf_lost(&perf), 0);
	perf_close(&perf);
}

/* Datagrams from a process to itself: what it sent it received, and the shared memory says when. */
static pid_t talk_to_oneself(unsigned int n, volatile bool *stop)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct end self = end_of("127.0.0.1", 0);
		int fd = socket(AF_INET, SOCK_DGRAM, 0);
		char c;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (bind(fd, &self.u.any, self.len) < 0 ||
		    getsockname(fd, &self.u.any, &self.len) < 0)
			_exit(1);
		for (unsigned int i = 0; i < n && !*stop; i++)
			if (sendto(fd, "", 1, 0, &self.u.any, self.len) != 1 ||
			    recv(fd, &c, 1, 0) != 1)
				_exit(2);
		_exit(0);
	}
	return pid;
}

static void refilter_both(const char *expression)
{
	drain();
	CHECK_EQ(perf_refilter(&perf, TRACEPOINT_SEND, expression), 0);
	CHECK_EQ(perf_refilter(&perf, TRACEPOINT_RECEIVE, expression), 0);
}

/* Nothing is missed and nothing comes twice when events take the place of others. */
TEST(filters_are_replaced)
{
	volatile bool *stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				   -1, 0);
	pid_t talkers[TALKERS], loner;
	uint64_t begin_ns, took_ns = 0;
	unsigned int replaced = 0, running = TALKERS;
	char without[64];

	begin(2048);
	CHECK_EQ(perf_refilter(&perf, TRACEPOINT_STATE, "protocol==6"), -EBUSY);
	CHECK_EQ(perf_filter(&perf, TRACEPOINT_SEND, "protocol==17"), 0);
	CHECK_EQ(perf_filter(&perf, TRACEPOINT_RECEIVE, "protocol==17"), 0);
	CHECK_EQ(perf_enable(&perf, TRACEPOINT_SEND, true), 0);
	CHECK_EQ(perf_enable(&perf, TRACEPOINT_RECEIVE, true), 0);
	loner = talk_to_oneself(UINT_MAX, stop);
	snprintf(without, sizeof(without), "protocol==17 && common_pid!=%d", loner);
	for (unsigned int i = 0; i < TALKERS; i++)
		talkers[i] = talk_to_oneself(DATAGRAMS * 10, stop);
	while (running) {
		pid_t ended = waitpid(-1, NULL, WNOHANG);

		CHECK(ended != loner);
		running -= ended > 0;
		drain();
		CHECK_EQ(perf_refilter(&perf, TRACEPOINT_SEND, "protocol=="), -EINVAL);
		begin_ns = clock_now(&real);
		refilter_both(replaced++ % 2 ? "protocol==17" : without);
		took_ns += clock_now(&real) - begin_ns;
	}
	*stop = true;
	waitpid(loner, NULL, 0);
	end();
	printf("# %u times, %llu us each\n", replaced,
	       (unsigned long long)(took_ns / replaced / 1000));
	CHECK(replaced > 10);
	CHECK_EQ(not_udp, 0);
	for (unsigned int i = 0; i < TALKERS; i++)
		CHECK_EQ(calls_by_pid[talkers[i]], 2 * 10 * DATAGRAMS);
	CHECK(calls_by_pid[loner] > 0);
	CHECK_EQ(perf_lost(&perf), 0);
	munmap((void *)stop, 4096);
	perf_close(&perf);
}

/* With room for some 70 records on each CPU. */
TEST(what_has_no_room_is_counted)
{
	pid_t server;
	uint64_t exact;

	begin(2);
	only = getpid();
	server = serve(0);
	CHECK_EQ(perf_enable(&perf, TRACEPOINT_SEND, true), 0);
	talk_udp(DATAGRAMS);
	exact = perf_lost(&perf);
	perf_drain(&perf, UINT64_MAX, take, NULL);
	CHECK_EQ(perf_refilter(&perf, TRACEPOINT_SEND, "protocol==17"), 0);
	CHECK_EQ(perf_lost(&perf), exact);
	CHECK(exact > 0);
	CHECK(sends + exact >= DATAGRAMS);
	/* The next record of each ring brings along what its ring lost. */
	for (int cpu = 0; cpu < (int)sysconf(_SC_NPROCESSORS_CONF); cpu++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set) == 0)
			talk_udp(1);
		perf_drain(&perf, UINT64_MAX, take, NULL);
	}
	end_process(server);
	CHECK(lost >= exact);
	CHECK_EQ(lost, perf.lost);
	CHECK(perf_lost(&perf) >= lost);
	perf_close(&perf);
}

TEST_MAIN()
