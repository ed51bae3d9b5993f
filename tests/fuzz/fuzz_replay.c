/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording through the public header. The input is two lengths (16 bits each, little-endian),
 * then meta.json and proc.jsonl of those lengths; the rest is netlink.pcap. packets.pcap is always
 * the same: network namespace 1 has eight packets.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "pevent/pevent.h"

#define PACKETS 8
#define FILE_HEADER 24
#define PACKET_HEADER 16
#define PACKET_SIZE 28

static const char *const names[] = { "meta.json", "proc.jsonl", "netlink.pcap", "packets.pcap" };
static char dir[64];
static int dir_fd = -1;
static uint64_t sum;

static void remove_dir(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlinkat(dir_fd, names[i], 0);
	(void)rmdir(dir);
}

static void put_file(const char *name, const uint8_t *data, size_t len)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FUZZ_CHECK(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
}

/* UDP from 127.0.0.1 to 127.0.0.2, there and back, a millisecond apart; LINKTYPE_IPV4. */
static void put_packets(void)
{
	static const uint8_t head[FILE_HEADER] = {
		0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, [17] = 1, [20] = 228,
	};
	static const uint8_t packet[PACKET_HEADER + PACKET_SIZE] = {
		1, 0, 0, 0, [8] = PACKET_SIZE, [12] = PACKET_SIZE,
		[16] = 0x45, [19] = PACKET_SIZE, [24] = 64, 17, [28] = 127, [32] = 127,
		[36] = 0x12, 0x34, 0x56, 0x78, [41] = 8,
	};
	uint8_t file[FILE_HEADER + PACKETS * sizeof(packet)], *p = file + FILE_HEADER;

	memcpy(file, head, sizeof(head));
	for (uint32_t i = 0; i < PACKETS; i++, p += sizeof(packet)) {
		const uint32_t ns = i * 1000000;

		memcpy(p, packet, sizeof(packet));
		memcpy(p + 4, &ns, sizeof(ns));
		p[31] = i % 2 ? 2 : 1;
		p[35] = i % 2 ? 1 : 2;
		if (i % 2)
			memcpy(p + 36, "\x56\x78\x12\x34", 4);
	}
	put_file("packets.pcap", file, sizeof(file));
}

static void make_dir(void)
{
	strcpy(dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/pevent-fuzz-XXXXXX"
						  : "/tmp/pevent-fuzz-XXXXXX");
	FUZZ_CHECK(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(dir_fd >= 0);
	atexit(remove_dir);
	put_packets();
}

static size_t take_length(const uint8_t **data, size_t *size, size_t wanted)
{
	size_t n = wanted < *size ? wanted : *size;

	*data += n;
	*size -= n;
	return n;
}

static void on_log(void *data, enum pevent_log_level level, const char *message)
{
	(void)data;
	(void)level;
	sum += strlen(message);
}

static void read_image(const struct pevent_image *image)
{
	for (size_t i = 0; image && image->args && i <= image->args_len; i++)
		sum += (unsigned char)image->args[i];
	if (image && image->exe)
		sum += strlen(image->exe);
	if (image && image->cgroup)
		sum += strlen(image->cgroup);
}

static void pull(struct pevent *p, uint64_t *sequence)
{
	const struct pevent_event *ev;
	int n;

	while ((n = pevent_next(p, &ev)) == 1) {
		FUZZ_CHECK(ev->sequence == ++*sequence);
		FUZZ_CHECK(pevent_type_name(ev->type));
		FUZZ_CHECK(memchr(ev->process.comm, '\0', 16));
		FUZZ_CHECK(memchr(ev->process.parent_comm, '\0', 16));
		FUZZ_CHECK(memchr(ev->parent.comm, '\0', 16));
		read_image(ev->process.image);
		read_image(ev->process.parent_image);
		read_image(ev->parent.image);
	}
	FUZZ_CHECK(n == 0);
}

/* Each dispatch takes a packet at least; each has a header of 16 bytes in the file. */
static void replay(size_t size)
{
	struct pevent_config config = PEVENT_CONFIG_INIT;
	struct pevent_stats stats;
	struct pevent_host host;
	uint64_t sequence = 0, dispatches = 0;
	struct pevent *p;
	int error;

	config.table_max = 16;
	FUZZ_CHECK(pevent_new(&p, &config) == 0);
	pevent_set_log(p, on_log, NULL);
	error = pevent_add_recording(p, dir);
	while (error == 0) {
		error = pevent_dispatch(p);
		FUZZ_CHECK(++dispatches <= size / 16 + 1);
		FUZZ_CHECK(error == 0 || error == -ENODATA || error == -EBADMSG);
		pull(p, &sequence);
	}
	if ((error == -ENODATA || error == -EBADMSG) && sequence) {
		FUZZ_CHECK(pevent_stop(p) == 0);
		pull(p, &sequence);
		pevent_get_stats(p, &stats);
		FUZZ_CHECK(stats.processes <= config.table_max);
	}
	pevent_get_host(p, &host);
	FUZZ_CHECK(memchr(host.nodename, '\0', sizeof(host.nodename)));
	FUZZ_CHECK(memchr(host.boot_id, '\0', sizeof(host.boot_id)));
	pevent_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t meta_len, proc_len;
	const uint8_t *at = data + 4;

	if (size < 4)
		return 0;
	if (dir_fd < 0)
		make_dir();
	meta_len = (size_t)(data[0] | data[1] << 8);
	proc_len = (size_t)(data[2] | data[3] << 8);
	size -= 4;
	meta_len = take_length(&at, &size, meta_len);
	put_file(names[0], at - meta_len, meta_len);
	proc_len = take_length(&at, &size, proc_len);
	put_file(names[1], at - proc_len, proc_len);
	put_file(names[2], at, size);
	replay(size);
	return 0;
}
