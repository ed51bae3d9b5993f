/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lookups of sockets' owners (source/owner.c) in this network namespace, and what they find. */
#ifndef TESTS_LIVE_OWNER_RIG_H
#define TESTS_LIVE_OWNER_RIG_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit/test.h"
#include "source/connector.h"
#include "source/machine.h"
#include "source/owner.h"
#include "source/procfs.h"
#include "util/clock.h"
#include "util/macro.h"

#define PORT 9123
#define KEPT 4000
#define TRIES 3

static const struct clock real;
static struct owners *owners;
static struct connector connector;

static inline void quit(const char *what)
{
	fprintf(stderr, "# %s: %s\n", what, strerror(errno));
	_exit(1);
}

static inline socklen_t address(struct sockaddr_storage *ret, bool v6, const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };

	memset(ret, 0, sizeof(*ret));
	if (v6) {
		if (text)
			inet_pton(AF_INET6, text, &in6.sin6_addr);
		memcpy(ret, &in6, sizeof(in6));
		return sizeof(in6);
	}
	if (text)
		inet_pton(AF_INET, text, &in.sin_addr);
	memcpy(ret, &in, sizeof(in));
	return sizeof(in);
}

/* What a hypervisor took of the CPUs' time since boot. */
static inline uint64_t stolen_ns(void)
{
	int root = procfs_open("/proc");
	struct machine_stolen sums;

	CHECK_EQ(source_machine_stolen(root, &sums), 0);
	close(root);
	return sums.stolen_ns;
}

/*
 * 97 % must be found. false: they were not, while a hypervisor took time, which lookups have none
 * to spare of, and there is another try.
 */
static inline bool check_enough(int found, int of, uint64_t stolen_before_ns, int tries_left)
{
	if (found * 100 >= of * 97)
		return true;
	printf("# only %d of %d\n", found, of);
	CHECK(tries_left > 0);
	CHECK(stolen_ns() > stolen_before_ns);
	printf("# time was stolen by the hypervisor: again\n");
	return false;
}

/* Who is found before the truth is told waits here. */
static struct network_found kept[KEPT];
static size_t n_kept;

static inline void keep(_unused_ void *data, const struct network_found *f)
{
	if (n_kept < ARRAY_SIZE(kept))
		kept[n_kept++] = *f;
}

static inline void drain_for(int ms)
{
	for (uint64_t until = clock_now(&real) + (uint64_t)ms * NSEC_PER_MSEC;
	     clock_now(&real) < until; usleep(5000)) {
		(void)owners_drain(owners, keep, NULL);
	}
}

static inline void ignore(_unused_ void *data, _unused_ const struct cn_event *ev,
		   _unused_ const void *raw, _unused_ size_t len)
{
}

static inline uint32_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : (uint32_t)st.st_ino;
}

static inline void open_owners(void)
{
	const struct connector_options options = { .buffer = 1 << 20, .guard = true };
	static const struct log nobody;
	int own;

	if (owners)
		return;
	if (geteuid() != 0)
		SKIP("needs root");
	CHECK_EQ(connector_open(&connector, &options, &nobody, ignore, NULL), 0);
	CHECK_EQ(owners_new(&owners, true, &nobody), 0);
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CHECK_EQ(owners_add_namespace(owners, inode_of(own)), 0);
	CHECK_EQ(owners_add_namespace(owners, inode_of(own)), 0);
	close(own);
}

static inline void close_owners(void)
{
	struct owners_account a;

	if (!owners)
		SKIP("nothing was opened");
	owners_get_account(owners, &a);
	printf("# %u threads, %sreal-time; %llu lookups, %llu found, %llu skipped, %llu lost\n",
	       a.threads, a.realtime ? "" : "not ", (unsigned long long)a.lookups,
	       (unsigned long long)a.found, (unsigned long long)a.skipped,
	       (unsigned long long)a.lost);
	owners = owners_free(owners);
	connector_close(&connector);
}

#endif
