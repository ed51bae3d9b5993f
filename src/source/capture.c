/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture_file.h"
#include "devices.h"
#include "util/macro.h"

#define SNAPLEN 128
#define BUFFER (16u << 20)
#define ANY "any"
#define FOLLOW_NS (NSEC_PER_SEC / 10)

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

#define FILTER_MAX (10 + CAPTURE_NAMES_MAX + 2)

struct drain {
	struct capture *c;
	capture_fn fn;
	void *data;
};

static uint32_t load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

struct filter {
	struct bpf_insn code[FILTER_MAX];
	unsigned int n;
};

static void put(struct filter *f, unsigned int code, uint32_t k, unsigned int yes, unsigned int no)
{
	f->code[f->n++] = (struct bpf_insn){ .code = (unsigned short)code, .k = k,
					     .jt = (unsigned char)yes, .jf = (unsigned char)no };
}

/*
 * Nothing but the named devices. SLL has no interface in its header: there libpcap's own run of the
 * filter drops all that came before it.
 */
static void put_names(struct filter *f, const struct capture *c)
{
	const uint32_t offset = c->linktype == PACKET_LINK_SLL2 ? SLL2_IFINDEX :
				(uint32_t)SKF_AD_OFF + SKF_AD_IFINDEX;
	const unsigned int first = f->n + 1;
	unsigned int n;

	put(f, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
	for (size_t i = 0; i < c->n_names; i++)
		if (c->ifindexes[i])
			put(f, BPF_JMP | BPF_JEQ | BPF_K, c->ifindexes[i], 0, 0);
	n = f->n - first;
	for (unsigned int i = 0; i < n; i++)
		f->code[first + i].jt = (unsigned char)(n - i);
	put(f, BPF_RET | BPF_K, 0, 0, 0);
}

/* A priority alone, with id 0, is no tag of a VLAN. Behind it: what is not to be dropped. */
static void put_untagged(struct filter *f)
{
	put(f, BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT, 0, 0);
	put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0);
	put(f, BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_VLAN_TAG, 0, 0);
	put(f, BPF_JMP | BPF_JSET | BPF_K, 0x0fff, 0, 1);
	put(f, BPF_RET | BPF_K, 0, 0, 0);
}

/*
 * Without a filter the kernel stores whole packets, whatever snaplen is. It also keeps out what
 * would come twice: the sending side of loopback, which libpcap passes over anyhow, and, where all
 * devices are captured, what carries a VLAN's tag: it comes again without, from the VLAN's device,
 * or is for nobody here. libpcap runs it, too, over what came before it, and knows tags as bytes
 * alone: to the kernel the width of what is no part of the packet means nothing.
 */
static int set_filter(struct capture *c)
{
	struct filter f = { .n = 0 };
	struct bpf_program program;

	if (c->n_names)
		put_names(&f, c);
	else if (c->linktype == PACKET_LINK_SLL2)
		put_untagged(&f);
	if (c->linktype == PACKET_LINK_SLL2) {
		put(&f, BPF_LD | BPF_B | BPF_ABS, SLL2_TYPE, 0, 0);
		put(&f, BPF_JMP | BPF_JEQ | BPF_K, TYPE_OUTGOING, 0, 3);
		put(&f, BPF_LD | BPF_W | BPF_ABS, SLL2_IFINDEX, 0, 0);
		put(&f, BPF_JMP | BPF_JEQ | BPF_K, LOOPBACK_IFINDEX, 0, 1);
		put(&f, BPF_RET | BPF_K, 0, 0, 0);
	}
	put(&f, BPF_RET | BPF_K, c->options.snaplen, 0, 0);
	program = (struct bpf_program){ f.n, f.code };
	return pcap_setfilter(c->pcap, &program);
}

static int tell(const struct capture *c, int error)
{
	switch (error) {
	case -EPERM:
		return log_error(c->log, error, "packets: needs CAP_NET_RAW: run as root");
	case -EMFILE:
		return log_error(c->log, error, "packets: %s: needs a higher limit: `ulimit -n`, "
				 "or LimitNOFILE= of systemd", strerror(EMFILE));
	case -ENOTSUP:
		return log_error(c->log, error, "packets: link type %d is not known: needs another "
				 "libpcap", c->linktype);
	default:
		return log_error(c->log, error, "packets: %s",
				 c->pcap ? pcap_geterr(c->pcap) : strerror(-error));
	}
}

/* Any socket of the namespace can be asked. How many names are of a device now. */
static size_t look_up(const struct capture *c, int fd, uint32_t *ret)
{
	size_t found = 0;

	for (size_t i = 0; i < c->n_names; i++) {
		struct ifreq request = { 0 };

		memcpy(request.ifr_name, c->names[i], IFNAMSIZ);
		ret[i] = ioctl(fd, SIOCGIFINDEX, &request) < 0 ? 0 : (uint32_t)request.ifr_ifindex;
		found += ret[i] != 0;
	}
	return found;
}

static int take_name(struct capture *c, const char *name, size_t len)
{
	if (len == 0 || len >= IFNAMSIZ)
		return log_error(c->log, -EINVAL, "packets of \"%s\": not a list of devices: "
				 "`ip link` lists them", c->options.interface);
	if (c->n_names == CAPTURE_NAMES_MAX)
		return log_error(c->log, -EINVAL, "packets of \"%s\": more than %d devices",
				 c->options.interface, CAPTURE_NAMES_MAX);
	memcpy(c->names[c->n_names++], name, len);
	return 0;
}

static int take_names(struct capture *c)
{
	const char *p = c->options.interface;
	int error = 0;

	if (!p || !strcmp(p, ANY))
		return 0;
	for (; error == 0; p++) {
		size_t len = strcspn(p, ",");

		error = take_name(c, p, len);
		p += len;
		if (!*p)
			break;
	}
	return error;
}

/* Before all else: what is no name of a device gets no other answer. */
static int find_names(struct capture *c)
{
	_cleanup_(close_p) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = take_names(c);

	if (error < 0 || c->n_names == 0)
		return error;
	if (fd < 0)
		return tell(c, -errno);
	(void)look_up(c, fd, c->ifindexes);
	for (size_t i = 0; c->options.tells_missing && i < c->n_names; i++)
		if (!c->ifindexes[i])
			log_warning(c->log, "packets of %s: no such device here: counted when "
				    "there is one", c->names[i]);
	return 0;
}

static int set_link(struct capture *c)
{
	/* SLL has no interface: then stacked devices cannot be told. libpcap before 1.10. */
	if (pcap_set_datalink(c->pcap, PACKET_LINK_SLL2) < 0)
		(void)pcap_set_datalink(c->pcap, PACKET_LINK_SLL);
	c->linktype = pcap_datalink(c->pcap);
	return packet_knows_link(c->linktype) ? 0 : -ENOTSUP;
}

static int activate(struct capture *c)
{
	char why[PCAP_ERRBUF_SIZE];
	int status;

	c->pcap = pcap_create(ANY, why);
	if (!c->pcap)
		return -ENOMEM;
	pcap_set_snaplen(c->pcap, (int)c->options.snaplen);
	pcap_set_buffer_size(c->pcap, (int)c->options.buffer);
	pcap_set_timeout(c->pcap, (int)c->options.timeout_ms);
	pcap_set_immediate_mode(c->pcap, 0);
	(void)pcap_set_tstamp_precision(c->pcap, PCAP_TSTAMP_PRECISION_NANO);
	errno = 0;
	status = pcap_activate(c->pcap);	/* positive: a warning */
	if (status == PCAP_ERROR_PERM_DENIED)
		return -EPERM;
	/* libpcap has words of its own for all; these have a cure. */
	if (status < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : -EIO;
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

int capture_open(struct capture *c, const struct capture_options *options, const struct log *log)
{
	int error;

	*c = (struct capture){ .fd = -1, .options = *options, .log = log };
	if (!c->options.snaplen)
		c->options.snaplen = SNAPLEN;
	if (!c->options.buffer)
		c->options.buffer = BUFFER;
	if (!c->options.timeout_ms)
		c->options.timeout_ms = CAPTURE_TIMEOUT_MS;
	error = find_names(c);
	if (error < 0)
		return error;
	error = activate(c);
	if (error < 0) {
		(void)tell(c, error);
		close_pcap(c);
		return error;
	}
	c->fd = pcap_get_selectable_fd(c->pcap);
	(void)fcntl(c->fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

void capture_close(struct capture *c)
{
	if (c->pcap)
		close_pcap(c);
}

static bool is_doubled(struct capture *c, const uint8_t *raw, size_t caplen, uint64_t time_ns)
{
	const uint8_t *source = raw + SLL2_ADDRESS;

	if (!c->options.devices || c->n_names || c->linktype != PACKET_LINK_SLL2 ||
	    caplen < SLL2_HEADER)
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
	if (result == 0 && p.vlan && c->fd >= 0 && !c->n_names) {
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
	return 0;
}

int capture_drops(struct capture *c, struct capture_drops *ret)
{
	int error = c->fd >= 0 ? read_drops(c) : 0;

	if (error == 0)
		*ret = c->drops;
	return error;
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
	if (n >= 0)
		return n;
	n = tell(c, -EIO);
	close_pcap(c);
	return n;
}

/*
 * A new filter drops what comes in the microseconds in which libpcap changes it. One that the
 * kernel does not take leaves the old one, and is tried again.
 */
int capture_follow(struct capture *c, uint64_t now_ns)
{
	uint32_t now[CAPTURE_NAMES_MAX], before[CAPTURE_NAMES_MAX];

	if (c->fd < 0 || c->n_names == 0 || now_ns < c->names_ns + FOLLOW_NS)
		return 0;
	c->names_ns = now_ns;
	(void)look_up(c, c->fd, now);
	if (!memcmp(now, c->ifindexes, c->n_names * sizeof(*now)))
		return 0;
	for (size_t i = 0; i < c->n_names; i++)
		if (!now[i] != !c->ifindexes[i])
			log_debug(c->log, "packets of %s: the device is %s", c->names[i],
				  now[i] ? "there" : "gone");
	memcpy(before, c->ifindexes, sizeof(before));
	memcpy(c->ifindexes, now, c->n_names * sizeof(*now));
	if (set_filter(c) == 0) {
		c->is_behind = false;
		return 0;
	}
	memcpy(c->ifindexes, before, sizeof(before));
	if (!c->is_behind)
		(void)tell(c, -EIO);
	c->is_behind = true;
	return -EIO;
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
