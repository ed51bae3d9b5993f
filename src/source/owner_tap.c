/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "owner_tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/macro.h"

#define TAP_BUFFER (512u << 10)

static const struct clock real;

#define JUMP(how, k, at, yes, no) \
	BPF_JUMP(BPF_JMP | (how) | BPF_K, k, (uint8_t)((yes) - (at) - 1), \
		 (uint8_t)((no) - (at) - 1))

/*
 * Of a packet on its way out, from its IP header on. No fragment but the first has ports; IPv6
 * with extension headers is passed over.
 */
int owner_tap_take(int fd, enum owner_tap_take what, const uint16_t *quiet, size_t n)
{
	enum { IPV4 = 5, IPV6 = 13, FLAGS = 18, TCP = 20, UDP = 21, PORTS = 22 };
	const uint32_t auxiliary = (uint32_t)SKF_AD_OFF;
	const uint32_t if_tcp = what >= OWNER_TAP_TCP ? OWNER_TAP_SNAPLEN : 0;
	const uint32_t if_udp = what >= OWNER_TAP_ALL ? OWNER_TAP_SNAPLEN : 0;
	const size_t no = PORTS + n + 1;
	struct sock_filter code[PORTS + OWNER_TAP_QUIET_MAX + 2] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, auxiliary + SKF_AD_PKTTYPE),
		JUMP(BPF_JEQ, PACKET_OUTGOING, 1, 2, no),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, auxiliary + SKF_AD_PROTOCOL),
		JUMP(BPF_JEQ, ETH_P_IPV6, 3, IPV6, 4),
		JUMP(BPF_JEQ, ETH_P_IP, 4, IPV4, no),
		[IPV4] = BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		JUMP(BPF_JSET, 0x1fff, 6, no, 7),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		JUMP(BPF_JEQ, IPPROTO_UDP, 9, UDP, 10),
		JUMP(BPF_JEQ, IPPROTO_TCP, 10, 11, no),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 13),
		BPF_STMT(BPF_JMP | BPF_JA, FLAGS - 12 - 1),
		[IPV6] = BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 40),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
		JUMP(BPF_JEQ, IPPROTO_UDP, 15, UDP, 16),
		JUMP(BPF_JEQ, IPPROTO_TCP, 16, 17, no),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 13),
		[FLAGS] = BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_SYN | TH_ACK),
		JUMP(BPF_JEQ, TH_SYN, 19, TCP, no),
		[TCP] = BPF_STMT(BPF_RET | BPF_K, if_tcp),
		[UDP] = BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),
	};
	struct sock_fprog program = { (unsigned short)(no + 1), code };

	for (size_t i = 0; i < n; i++)
		code[PORTS + i] = (struct sock_filter)JUMP(BPF_JEQ, quiet[i], PORTS + i, no,
							   PORTS + i + 1);
	code[PORTS + n] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, if_udp);
	code[no] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ?
	       -errno : 0;
}

/* A group of the kernel's choice by the first of them, which the others join in their order. */
static int join(int fd, int *group)
{
	int how = PACKET_FANOUT_CPU << 16 | *group;
	socklen_t len = sizeof(how);

	if (*group < 0)
		how = (PACKET_FANOUT_CPU | PACKET_FANOUT_FLAG_UNIQUEID) << 16;
	if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &how, sizeof(how)) < 0)
		return -errno;
	if (*group < 0 && getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &how, &len) < 0)
		return -errno;
	*group = how & 0xffff;
	return 0;
}

static int open_tap(int *group)
{
	/* Only a socket for all protocols hears what is sent. */
	struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	const int size = TAP_BUFFER, on = 1;
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	/* Until it has its place in the group it would get those of all CPUs. */
	error = owner_tap_take(fd, OWNER_TAP_NOTHING, NULL, 0);
	if (error == 0 && bind(fd, (struct sockaddr *)&all, sizeof(all)) < 0)
		error = -errno;
	if (error == 0)
		error = join(fd, group);
	if (error < 0) {
		close(fd);
		return error;
	}
	return fd;
}

int owner_taps_open(int *ret_fds, unsigned int n)
{
	int group = -1, error = 0;

	for (unsigned int i = 0; i < n; i++) {
		ret_fds[i] = open_tap(&group);
		if (ret_fds[i] >= 0)
			continue;
		error = ret_fds[i];
		while (i > 0)
			close(ret_fds[--i]);
		return error;
	}
	/* All are in their places. */
	for (unsigned int i = 0; i < n && error == 0; i++)
		error = owner_tap_take(ret_fds[i], OWNER_TAP_ALL, NULL, 0);
	for (unsigned int i = 0; i < n && error < 0; i++)
		close(ret_fds[i]);
	return error;
}

uint32_t owner_tap_drops(int fd)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	return getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) < 0 ? 0 :
	       stats.tp_drops;
}

/* A realtime stamp of the kernel's, or now. */
static uint64_t time_of(struct msghdr *msg, int64_t realtime_offset)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	struct timespec t;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
		return clock_now(&real);
	memcpy(&t, CMSG_DATA(c), sizeof(t));
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec -
	       (uint64_t)realtime_offset;
}

size_t owner_tap_read(int fd, struct owner_datagram *ret)
{
	_Alignas(struct cmsghdr) char control[OWNER_TAP_BATCH][CMSG_SPACE(sizeof(struct timespec))];
	struct sockaddr_ll from[OWNER_TAP_BATCH] = { 0 };
	struct mmsghdr msgs[OWNER_TAP_BATCH];
	struct iovec iov[OWNER_TAP_BATCH];
	int64_t offset;
	int n;

	for (size_t i = 0; i < OWNER_TAP_BATCH; i++) {
		iov[i] = (struct iovec){ ret[i].data, sizeof(ret[i].data) };
		msgs[i] = (struct mmsghdr){ .msg_hdr = {
			.msg_name = &from[i], .msg_namelen = sizeof(from[i]),
			.msg_iov = &iov[i], .msg_iovlen = 1,
			.msg_control = control[i], .msg_controllen = sizeof(control[i]) } };
	}
	n = recvmmsg(fd, msgs, OWNER_TAP_BATCH, MSG_DONTWAIT, NULL);
	if (n <= 0)
		return 0;
	offset = clock_realtime_offset(&real);
	for (int i = 0; i < n; i++) {
		ret[i].caplen = msgs[i].msg_len;
		ret[i].ifindex = (uint32_t)from[i].sll_ifindex;
		ret[i].time_ns = time_of(&msgs[i].msg_hdr, offset);
	}
	return (size_t)n;
}
