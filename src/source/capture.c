/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture_file.h"
#include "devices.h"
#include "util/macro.h"

#define SNAPLEN 128
#define BUFFER (16u << 20)
#define TIMEOUT_MS 50

#define SLL_HEADER 16
#define SLL2_HEADER 20
/* Offsets in the SLL2 header; libpcap gives them to the kernel as what they stand for. */
#define SLL2_IFINDEX 4
#define SLL2_TYPE 10
#define SLL2_ADDRESS_LENGTH 11
#define SLL2_ADDRESS 12

/* PACKET_OTHERHOST, PACKET_OUTGOING: linux/if_packet.h has other names of wire/packet.h, too. */
#define TYPE_OTHER 3
#define TYPE_OUTGOING 4

#define LOOPBACK_IFINDEX 1	/* in every namespace, include/net/flow.h */

struct drain {
	struct capture *c;
	capture_fn fn;
	void *data;
};

static bool is_any(const struct capture *c)
{
	return !strcmp(c->device, CAPTURE_ANY);
}

static uint32_t load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/*
 * Without a filter the kernel stores whole packets, whatever snaplen is. Of "any" it also keeps
 * out what would come twice: the sending side of loopback, which libpcap passes over anyhow, and
 * what carries a VLAN's tag: it comes again without, from the VLAN's device, or is for nobody here.
 * libpcap runs it, too, over what came before it, and knows tags as bytes alone: to the kernel the
 * width of what is no part of the packet means nothing.
 */
static int set_filter(struct capture *c)
{
	static const uint32_t auxiliary = (uint32_t)SKF_AD_OFF;
	const uint32_t snaplen = c->options.snaplen;
	struct bpf_insn plain[] = { BPF_STMT(BPF_RET | BPF_K, snaplen) };
	struct bpf_insn untagged[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, auxiliary + SKF_AD_VLAN_TAG_PRESENT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, auxiliary + SKF_AD_VLAN_TAG),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x0fff, 4, 0),	/* id 0: only a priority */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SLL2_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TYPE_OUTGOING, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SLL2_IFINDEX),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LOOPBACK_IFINDEX, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, snaplen),
	};
	struct bpf_program program = { ARRAY_SIZE(plain), plain };

	if (c->linktype == PACKET_LINK_SLL2)
		program = (struct bpf_program){ ARRAY_SIZE(untagged), untagged };
	return pcap_setfilter(c->pcap, &program);
}

static int error_of(int status)
{
	switch (status) {
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		return -EPERM;
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return -ENODEV;
	case PCAP_ERROR_IFACE_NOT_UP:
		return -ENETDOWN;
	default:
		return -EIO;
	}
}

static int tell(const struct capture *c, int error)
{
	const char *name = c->device;

	switch (error) {
	case -EPERM:
		return log_error(c->log, error, "packets of %s: needs CAP_NET_RAW: run as root",
				 name);
	case -ENODEV:
		return log_error(c->log, error, "packets of %s: no such device: `ip link` lists "
				 "them", name);
	case -ENETDOWN:
		return log_error(c->log, error, "packets of %s: it is down: `ip link set %s up`",
				 name, name);
	case -ENOTSUP:
		return log_error(c->log, error, "packets of %s: link type %d is not known: capture "
				 "at a device above it", name, c->linktype);
	default:
		return log_error(c->log, error, "packets of %s: %s", name,
				 c->pcap ? pcap_geterr(c->pcap) : strerror(-error));
	}
}

static int set_link(struct capture *c)
{
	/* SLL has no interface: then stacked devices cannot be told. libpcap before 1.10. */
	if (is_any(c) && pcap_set_datalink(c->pcap, PACKET_LINK_SLL2) < 0)
		(void)pcap_set_datalink(c->pcap, PACKET_LINK_SLL);
	c->linktype = pcap_datalink(c->pcap);
	return packet_knows_link(c->linktype) ? 0 : -ENOTSUP;
}

static int activate(struct capture *c)
{
	char why[PCAP_ERRBUF_SIZE];
	int status;

	c->pcap = pcap_create(c->device, why);
	if (!c->pcap)
		return -ENOMEM;
	pcap_set_snaplen(c->pcap, (int)c->options.snaplen);
	pcap_set_buffer_size(c->pcap, (int)c->options.buffer);
	pcap_set_timeout(c->pcap, (int)c->options.timeout_ms);
	pcap_set_promisc(c->pcap, c->options.promiscuous);
	pcap_set_immediate_mode(c->pcap, 0);
	(void)pcap_set_tstamp_precision(c->pcap, PCAP_TSTAMP_PRECISION_NANO);
	c->ifindex = is_any(c) ? 0 : if_nametoindex(c->device);
	status = pcap_activate(c->pcap);	/* positive: a warning */
	if (status < 0)
		return error_of(status);
	c->nanoseconds = pcap_get_tstamp_precision(c->pcap) == PCAP_TSTAMP_PRECISION_NANO;
	if (pcap_setnonblock(c->pcap, 1, why) < 0)
		return -EIO;
	status = set_link(c);
	if (status == 0 && set_filter(c) < 0)
		return -EIO;
	return status;
}

static void close_pcap(struct capture *c)
{
	if (c->pcap)
		pcap_close(c->pcap);
	c->pcap = NULL;
	c->fd = -1;
	c->held = NULL;
}

static int open_device(struct capture *c, bool quiet)
{
	int error = activate(c);

	if (error < 0) {
		if (!quiet)
			(void)tell(c, error);
		close_pcap(c);
		return error;
	}
	c->gone = false;
	c->next_try_ns = 0;
	c->last_seen = c->last_dropped = c->last_interface = 0;
	c->fd = pcap_get_selectable_fd(c->pcap);
	(void)fcntl(c->fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

int capture_open(struct capture *c, const char *device, const struct capture_options *options,
		 const struct log *log)
{
	*c = (struct capture){ .fd = -1, .options = *options, .log = log };
	if (strlen(device) >= sizeof(c->device))
		return log_error(log, -ENODEV, "packets of %s: no such device: `ip link` lists "
				 "them", device);
	strcpy(c->device, device);
	if (!c->options.snaplen)
		c->options.snaplen = SNAPLEN;
	if (!c->options.buffer)
		c->options.buffer = BUFFER;
	if (!c->options.timeout_ms)
		c->options.timeout_ms = TIMEOUT_MS;
	return open_device(c, false);
}

void capture_close(struct capture *c)
{
	if (c->pcap)
		close_pcap(c);
}

static bool is_doubled(struct capture *c, const uint8_t *raw, size_t caplen, uint64_t time_ns)
{
	const uint8_t *source = raw + SLL2_ADDRESS;

	if (!c->options.devices || c->linktype != PACKET_LINK_SLL2 || caplen < SLL2_HEADER)
		return false;
	if (raw[SLL2_ADDRESS_LENGTH] != 6)
		source = NULL;
	return devices_skip(c->options.devices, load_be32(raw + SLL2_IFINDEX),
			    raw[SLL2_TYPE] == TYPE_OUTGOING,
			    raw[SLL2_TYPE] == TYPE_OTHER, source, time_ns);
}

static void count(struct capture_count *n, const struct capture *c, size_t wirelen)
{
	size_t header = c->linktype == PACKET_LINK_SLL2 ? SLL2_HEADER :
			c->linktype == PACKET_LINK_SLL ? SLL_HEADER : 0;

	n->packets++;
	n->bytes += wirelen - MIN(header, wirelen);
}

static uint64_t time_of(const struct capture *c, const struct pcap_pkthdr *head)
{
	uint64_t fraction = (uint64_t)head->ts.tv_usec;

	return (uint64_t)head->ts.tv_sec * NSEC_PER_SEC +
	       (c->nanoseconds ? fraction : fraction * NSEC_PER_USEC) -
	       (uint64_t)c->realtime_offset_ns;
}

static void take(u_char *user, const struct pcap_pkthdr *head, const u_char *raw)
{
	struct drain *d = (struct drain *)(void *)user;
	struct capture *c = d->c;
	const uint64_t time_ns = time_of(c, head);
	struct packet p;
	int result;

	if (is_doubled(c, raw, head->caplen, time_ns)) {
		count(&c->skipped, c, head->len);
		return;
	}
	result = packet_decode(c->linktype, raw, head->caplen, head->len, &p);
	/* A tag that no hardware took off, on its way out. */
	if (result == 0 && p.vlan && is_any(c)) {
		count(&c->skipped, c, head->len);
		return;
	}
	if (c->file)
		capture_write(c->file, c->linktype, time_ns, raw, head->caplen, head->len);
	count(result == 0 ? &c->ip : result > 0 ? &c->other : &c->malformed, c, head->len);
	if (result == 0)
		d->fn(d->data, &p, time_ns, raw, head->caplen, head->len);
}

/* What libpcap counts has 32 bits. */
static void add(uint64_t *total, uint32_t *last, uint32_t now)
{
	*total += now - *last;
	*last = now;
}

static int read_drops(struct capture *c)
{
	struct pcap_stat stat;

	if (pcap_stats(c->pcap, &stat) < 0)
		return -EIO;
	add(&c->drops.seen, &c->last_seen, stat.ps_recv);
	add(&c->drops.dropped, &c->last_dropped, stat.ps_drop);
	/* Of a device that goes, libpcap reads 0 and so counts backwards. */
	if (stat.ps_ifdrop - c->last_interface < UINT32_MAX / 2)
		add(&c->drops.interface, &c->last_interface, stat.ps_ifdrop);
	return 0;
}

int capture_drops(struct capture *c, struct capture_drops *ret)
{
	int error = c->fd >= 0 ? read_drops(c) : 0;

	if (error == 0)
		*ret = c->drops;
	return error;
}

/* By the device itself, not by libpcap's words, but for one that is down: before 1.10. */
static bool is_gone(const struct capture *c)
{
	char name[IFNAMSIZ];

	return c->ifindex && (!if_indextoname(c->ifindex, name) ||
			      strcmp(name, c->device) != 0 ||
			      strstr(pcap_geterr(c->pcap), "down"));
}

static int lose(struct capture *c)
{
	if (!c->gone && !is_gone(c)) {
		int error = tell(c, -EIO);

		close_pcap(c);
		return error;
	}
	if (!c->gone) {
		log_warning(c->log, "packets of %s: the device is gone: none are counted until it "
			    "is back", c->device);
		(void)read_drops(c);
	}
	c->gone = true;
	c->fd = -1;
	return -ENODEV;
}

int capture_drain(struct capture *c, unsigned int max, capture_fn fn, void *data)
{
	struct drain d = { c, fn, data };
	int n;

	if (max == 0)
		return 0;
	if (!c->pcap)
		return -ENODEV;
	/* An interrupted poll(2) in it is tried again there. */
	n = pcap_dispatch(c->pcap, (int)MIN(max, (unsigned int)INT32_MAX), take,
			  (u_char *)(void *)&d);
	return n >= 0 ? n : lose(c);
}

int capture_reopen(struct capture *c, uint64_t now_ns)
{
	int error;

	if (c->pcap && !c->gone)
		return 0;
	/* The last block is handed over after its timeout, by a device that is gone, too. */
	if (c->next_try_ns == 0)
		c->next_try_ns = now_ns + 2 * c->options.timeout_ms * NSEC_PER_MSEC;
	if (now_ns < c->next_try_ns)
		return -EAGAIN;
	close_pcap(c);
	c->next_try_ns = now_ns + NSEC_PER_SEC;
	error = open_device(c, true);
	if (error == 0)
		log_debug(c->log, "packets of %s: the device is back", c->device);
	return error;
}

/* A recording: one packet is read ahead, and stays where libpcap has put it. */
static void hold_next(struct capture *c)
{
	struct pcap_pkthdr *head;
	const u_char *data;
	int got = pcap_next_ex(c->pcap, &head, &data);

	c->held = got == 1 ? head : NULL;
	if (got == 1) {
		c->held_data = data;
		c->held_ns = time_of(c, head);
		return;
	}
	c->end = got == PCAP_ERROR_BREAK ? -ENODATA : -EBADMSG;
	if (got == PCAP_ERROR)
		log_error(c->log, c->end, "%s: %s", CAPTURE_FILE, pcap_geterr(c->pcap));
}

int capture_open_offline(struct capture *c, int dir, const char *name,
			 int64_t realtime_offset_ns, const struct log *log)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char why[PCAP_ERRBUF_SIZE] = "";

	*c = (struct capture){ .fd = -1, .log = log, .nanoseconds = true,
			       .realtime_offset_ns = realtime_offset_ns };
	if (!f) {
		int error = -errno;

		close_p(&fd);
		return log_error(log, error, "%s: %s", name, strerror(-error));
	}
	c->pcap = pcap_fopen_offline_with_tstamp_precision(f, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!c->pcap) {
		fclose(f);
		return log_error(log, -EBADMSG, "%s: %s", name, why);
	}
	c->linktype = pcap_datalink(c->pcap);
	if (!packet_knows_link(c->linktype)) {
		close_pcap(c);
		return log_error(log, -EBADMSG, "%s: link type %d is not known", name,
				 c->linktype);
	}
	hold_next(c);
	return 0;
}

int capture_replay(struct capture *c, uint64_t until_ns, unsigned int max, capture_fn fn,
		   void *data)
{
	struct drain d = { c, fn, data };
	unsigned int n = 0;

	if (!c->held)
		return c->end;
	while (c->held && c->held_ns <= until_ns && n < max) {
		take((u_char *)(void *)&d, c->held, c->held_data);
		hold_next(c);
		n++;
	}
	return (int)n;
}
