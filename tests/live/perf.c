/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket tracepoints tell whose every connection is, in order of time. */
#include "source/tracepoints.h"

#include <netinet/tcp.h>
#include <pthread.h>

#include "namespaces.h"
#include "util/clock.h"
#include "util/macro.h"

#define CLIENTS 2000
#define SOCKETS 8192
#define DATAGRAMS 3000
#define TALKERS 4
#define ASKERS 300
#define CROWD 40
#define REPLACED 60

static const struct clock real;

/* Of a socket, while it lives. */
struct opened {
	uint64_t skaddr;
	int32_t pid;
};

/* What a process did with datagrams, by itself or as records tell it. */
struct calls {
	pid_t pid;
	uint32_t sent, received, bytes;
};

static struct perf perf;
static struct calls told[1 << 22];	/* by process */
static struct opened opened[SOCKETS];
static uint16_t port_by_pid[1 << 22];	/* as records tell it */
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

static void add_call(const struct tracepoint_record *r)
{
	struct calls *c = &told[MAX(r->pid, 0)];

	if (r->kind == TRACEPOINT_STATE || r->kind == TRACEPOINT_LOST || r->returned < 0)
		return;
	c->pid = r->pid;
	c->sent += r->kind == TRACEPOINT_SEND;
	c->received += r->kind == TRACEPOINT_RECEIVE;
	c->bytes += (uint32_t)r->returned;
}

static void take(_unused_ void *data, const struct tracepoint_record *r)
{
	backwards += r->time_ns < last_ns;
	last_ns = r->time_ns;
	lost += r->kind == TRACEPOINT_LOST ? r->lost : 0;
	if (r->kind == TRACEPOINT_SEND || r->kind == TRACEPOINT_RECEIVE)
		not_udp += r->protocol != IPPROTO_UDP;
	add_call(r);
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
	memset(told, 0, sizeof(told));
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

/* Shared with those who talk. */
struct talk {
	volatile bool ends;
	uint32_t count[TALKERS + 1];
};

/* Datagrams from a process to itself: each is sent and received. */
static pid_t talk_to_oneself(volatile struct talk *talk, unsigned int index)
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
		while (!talk->ends) {
			if (sendto(fd, "", 1, 0, &self.u.any, self.len) != 1 ||
			    recv(fd, &c, 1, 0) != 1)
				_exit(2);
			if (++talk->count[index] % 16 == 0)
				usleep(500);
		}
		_exit(0);
	}
	return pid;
}

static void refilter_both(const char *expression)
{
	drain();
	CHECK_EQ(perf_refilter(&perf, TRACEPOINT_SEND, expression), 0);
	CHECK_EQ(perf_refilter(&perf, TRACEPOINT_RECEIVE, expression), 0);
	CHECK_EQ(perf_refilter(&perf, TRACEPOINT_RECEIVE, expression), -EBUSY);
	rest(50);
	perf_settle(&perf);
}

/* Nothing is missed and nothing comes twice when events take the place of others. */
TEST(filters_are_replaced)
{
	struct talk *talk = mmap(NULL, sizeof(*talk), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t talkers[TALKERS + 1];	/* the last one alone is left out, now and then */
	char without[64];

	CHECK(talk != MAP_FAILED);
	begin(4096);
	CHECK_EQ(perf_refilter(&perf, TRACEPOINT_STATE, "protocol==6"), -EBUSY);
	CHECK_EQ(perf_filter(&perf, TRACEPOINT_SEND, "protocol==17"), 0);
	CHECK_EQ(perf_filter(&perf, TRACEPOINT_RECEIVE, "protocol==17"), 0);
	CHECK_EQ(perf_enable(&perf, TRACEPOINT_SEND, true), 0);
	CHECK_EQ(perf_enable(&perf, TRACEPOINT_RECEIVE, true), 0);
	for (unsigned int i = 0; i <= TALKERS; i++)
		talkers[i] = talk_to_oneself(talk, i);
	snprintf(without, sizeof(without), "protocol==17 && common_pid!=%d", talkers[TALKERS]);
	for (unsigned int i = 0; i < REPLACED; i++) {
		rest(2);
		drain();
		CHECK_EQ(perf_refilter(&perf, TRACEPOINT_SEND, "protocol=="), -EINVAL);
		refilter_both(i % 2 ? "protocol==17" : without);
	}
	talk->ends = true;
	for (unsigned int i = 0; i <= TALKERS; i++)
		waitpid(talkers[i], NULL, 0);
	end();
	printf("# %u datagrams\n", talk->count[0]);
	CHECK_EQ(perf_lost(&perf), 0);
	CHECK_EQ(not_udp, 0);
	for (unsigned int i = 0; i < TALKERS; i++) {
		CHECK(talk->count[i] > 0);
		CHECK_EQ(told[talkers[i]].sent, talk->count[i]);
		CHECK_EQ(told[talkers[i]].received, talk->count[i]);
	}
	CHECK(told[talkers[TALKERS]].sent > 0);
	CHECK(told[talkers[TALKERS]].sent < talk->count[TALKERS]);
	munmap(talk, sizeof(*talk));
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
	perf_settle(&perf);
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

/* --- who floods --- */

/* Shared with the processes of a test. */
struct shared {
	volatile bool floods, ends;
	volatile uint64_t flood_count;
	struct calls truth[ASKERS];
};

static struct tracepoints tracepoints;
static struct shared *shared;
static pid_t flooder;
static unsigned int flooder_off, flooder_on, everybody_off, of_flooder_while_off;
static uint64_t lost_of_flood;
static bool is_off, all_on;

static void take_one(_unused_ void *data, const struct tracepoint_record *r)
{
	backwards += r->time_ns < last_ns;
	last_ns = MAX(last_ns, r->time_ns);
	CHECK(all_on || r->kind == TRACEPOINT_STATE);
	add_call(r);
	of_flooder_while_off += r->pid == flooder && is_off;
}

static void take_udp(_unused_ void *data, bool on, uint64_t time_ns)
{
	backwards += time_ns < last_ns;
	last_ns = MAX(last_ns, time_ns);
	everybody_off += !on;
	all_on = on;
}

static void take_udp_process(_unused_ void *data, int32_t tgid, bool on, uint64_t time_ns)
{
	backwards += time_ns < last_ns;
	last_ns = MAX(last_ns, time_ns);
	if (tgid != flooder)
		return;
	CHECK(is_off == on);
	is_off = !on;
	flooder_off += !on;
	flooder_on += on;
}

static void take_lost(_unused_ void *data, uint64_t records)
{
	lost_of_flood += records;
}

static void drain_all(void)
{
	static const struct network_fns fns = {
		.record = take_one, .udp = take_udp, .udp_process = take_udp_process,
		.lost = take_lost,
	};

	tracepoints_drain(&tracepoints, clock_now(&real), &fns, NULL);
}

static void drain_for(unsigned int ms)
{
	const uint64_t end_ns = clock_now(&real) + ms * MSEC;

	do {
		drain_all();
		rest(1);
	} while (clock_now(&real) < end_ns);
}

static void begin_flood(void)
{
	leave_for_own();
	sh(0, "ip link set lo up");
	memset(told, 0, sizeof(told));
	last_ns = backwards = flooder_off = flooder_on = everybody_off = 0;
	of_flooder_while_off = 0;
	lost_of_flood = 0;
	is_off = all_on = false;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	CHECK(shared != MAP_FAILED);
	tracepoints_init(&tracepoints, &real);
	CHECK_EQ(tracepoints_open(&tracepoints, true), 0);
	for (int i = 0; i < 100 && !all_on; i++)
		drain_for(5);
	CHECK(all_on);
	CHECK_EQ(everybody_off, 1);	/* until they were open */
}

static void end_flood(void)
{
	drain_for(5);
	CHECK_EQ(backwards, 0);
	CHECK_EQ(tracepoints.perf.malformed, 0);
	/* The kernel is asked once a second. */
	for (int i = 0; i < 15 && lost_of_flood != perf_lost(&tracepoints.perf); i++)
		drain_for(100);
	CHECK_EQ(lost_of_flood, perf_lost(&tracepoints.perf));
	munmap(shared, sizeof(*shared));
	tracepoints_close(&tracepoints);
}

/* Where nobody listens: that is as fast as it gets. */
static void *send_many(void *data)
{
	struct end to = end_of("127.0.0.1", PORT + 1);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint64_t n = 0;

	(void)data;
	while (!shared->ends) {
		if (!shared->floods) {
			rest(1);
			continue;
		}
		n += sendto(fd, "", 1, 0, &to.u.any, to.len) == 1;
		if (n % 128 == 0)
			shared->flood_count = n;
	}
	return NULL;
}

/* Begins when it is told to; another thread then does as much. */
static pid_t new_flooder(bool two)
{
	pid_t pid = fork();
	pthread_t thread;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (two && pthread_create(&thread, NULL, send_many, NULL) != 0)
			_exit(1);
		send_many(NULL);
		_exit(0);
	}
	return pid;
}

/* In a child: so many questions, each answered. */
static void ask(struct calls *truth, unsigned int n)
{
	struct end to = end_of("127.0.0.1", PORT);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[512] = "";

	*truth = (struct calls){ .pid = getpid() };
	for (unsigned int i = 1; i <= n; i++) {
		ssize_t size = 40 * i;

		if (sendto(fd, buf, (size_t)size, 0, &to.u.any, to.len) != size ||
		    recv(fd, buf, sizeof(buf), 0) != size)
			_exit(1);
		truth->sent++;
		truth->received++;
		truth->bytes += 2 * (uint32_t)size;
	}
}

static void run_askers(unsigned int at_a_time)
{
	memset(shared->truth, 0, sizeof(shared->truth));
	memset(told, 0, sizeof(told));
	for (unsigned int i = 0; i < ASKERS; i += at_a_time) {
		unsigned int running = 0, ended;
		int status;

		for (; running < at_a_time && i + running < ASKERS; running++) {
			if (fork() == 0) {
				ask(&shared->truth[i + running], 1 + i % 5);
				_exit(0);
			}
		}
		for (ended = 0; ended < running;) {
			pid_t pid = waitpid(-1, &status, WNOHANG);

			drain_all();
			if (pid == 0)
				usleep(300);
			CHECK(pid >= 0 && (pid == 0 || status == 0));
			ended += pid > 0;
		}
	}
}

static void check_askers(void)
{
	unsigned int right = 0;

	drain_for(5);
	for (unsigned int i = 0; i < ASKERS; i++) {
		const struct calls *truth = &shared->truth[i], *t = &told[truth->pid];

		if (truth->bytes && !memcmp(truth, t, sizeof(*t)))
			right++;
		else
			printf("# %d sent %u, received %u\n", t->pid, t->sent, t->received);
	}
	printf("# %u of %u right; who floods: off %u times, on %u times\n", right, ASKERS,
	       flooder_off, flooder_on);
	CHECK_EQ(lost_of_flood, 0);
	CHECK_EQ(right, ASKERS);
	CHECK_EQ(everybody_off, 1);
}

static void check_flood(unsigned int at_a_time, bool two)
{
	uint64_t begin_ns;
	pid_t server;

	begin_flood();
	server = serve(0);
	flooder = new_flooder(two);
	shared->floods = true;
	begin_ns = clock_now(&real);
	/* Once it is tried again, and off again. */
	for (unsigned int rounds = 0; rounds < 50 && flooder_off < 2; rounds++) {
		run_askers(at_a_time);
		check_askers();
	}
	printf("# %.0f a second of one thread\n",
	       (double)shared->flood_count * 1e9 / (double)(clock_now(&real) - begin_ns));
	shared->floods = false;
	CHECK(flooder_off >= 2);
	CHECK_EQ(of_flooder_while_off, 0);
	for (int i = 0; i < 700 && is_off; i++)
		drain_for(100);
	CHECK(!is_off);
	end_process(server);
	end_process(flooder);
	end_flood();
}

TEST(flood_leaves_others_known)
{
	check_flood(1, false);
}

TEST(flood_of_two_threads_leaves_others_known)
{
	check_flood(4, true);
}

/* A thread's number is another's soon after it has ended. */
TEST(who_flooded_and_ended_is_forgotten)
{
	begin_flood();
	flooder = new_flooder(false);
	shared->floods = true;
	for (int i = 0; i < 100 && !is_off; i++)
		drain_for(20);
	CHECK(is_off);
	CHECK_EQ(tracepoints.flooders.n_threads, 1);
	end_process(flooder);
	for (int i = 0; i < 50 && is_off; i++)
		drain_for(20);
	CHECK(!is_off);
	CHECK_EQ(tracepoints.flooders.n_threads, 0);
	CHECK_EQ(everybody_off, 1);
	end_flood();
}

/* Many that are too many together: all are off, and on again later. */
TEST(flood_of_a_crowd)
{
	pid_t crowd[CROWD];

	begin_flood();
	flooder = -1;
	for (int i = 0; i < CROWD; i++)
		crowd[i] = new_flooder(false);
	shared->floods = true;
	for (int i = 0; i < 100 && all_on; i++)
		drain_for(20);
	CHECK(!all_on);
	shared->floods = false;
	for (int i = 0; i < 500 && !all_on; i++)
		drain_for(10);
	CHECK(all_on);
	for (int i = 0; i < CROWD; i++)
		end_process(crowd[i]);
	end_flood();
}

TEST_MAIN()
