/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "devices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/macro.h"

#define REFRESH_NS (2 * NSEC_PER_SEC)
#define UNKNOWN_NS (NSEC_PER_SEC / 10)
#define TABLE_MAX 65536

#define IFF_NOARP 0x80		/* linux/if.h, which does not get along with net/if.h */
#define IFF_MASTER 0x400

static int open_directory(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* A sysfs of this thread's namespace that is mounted nowhere. */
static int open_own_sysfs(void)
{
	_cleanup_(close_p) int fs = -1;
	_cleanup_(close_p) int mount = -1;

	fs = (int)syscall(SYS_fsopen, "sysfs", FSOPEN_CLOEXEC);
	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	if (mount < 0)
		return -errno;
	return open_directory(mount, "class/net");
}

int devices_open_root(void)
{
	int fd = open_own_sysfs();

	return fd >= 0 ? fd : open_directory(AT_FDCWD, "/sys/class/net");
}

void devices_init(struct devices *d, int root)
{
	*d = (struct devices){ .is_open = true, .root = root };
}

void devices_finish(struct devices *d)
{
	if (!d->is_open)
		return;
	free(d->table);
	close_p(&d->root);
	*d = (struct devices){ 0 };
}

/* The first line of a small file; false: none. */
static bool read_text(int dir, const char *name, char *buf, size_t size)
{
	_cleanup_(close_p) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (n <= 0)
		return false;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return true;
}

static bool read_number(int dir, const char *name, int base, uint32_t *ret)
{
	char text[32], *end;
	unsigned long value;

	if (!read_text(dir, name, text, sizeof(text)))
		return false;
	value = strtoul(text, &end, base);
	if (end == text || *end || value > UINT32_MAX)
		return false;
	*ret = (uint32_t)value;
	return true;
}

static void read_address(int dir, uint8_t ret[6])
{
	unsigned int b[6];
	char text[64];

	if (!read_text(dir, "address", text, sizeof(text)) ||
	    sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != 6)
		return;
	for (int i = 0; i < 6; i++)
		ret[i] = (uint8_t)b[i];
}

/* Names no device type; of the masters it alone takes no part in ARP, but for some bonds. */
static bool is_vrf(int dir, const char *master)
{
	_cleanup_(close_p) int fd = openat(dir, master, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint32_t flags;

	return fd >= 0 && read_number(fd, "flags", 16, &flags) && (flags & IFF_MASTER) &&
	       (flags & IFF_NOARP) && faccessat(fd, "bonding", F_OK, 0) < 0;
}

/* Links to what stands on a device are called upper_NAME; one of them may be its master. */
static uint8_t find_rule(int dir, DIR *entries)
{
	char master[NAME_MAX + 1] = "";
	unsigned int uppers = 0;
	struct dirent *e;
	ssize_t n;

	while ((e = readdir(entries)))
		uppers += !strncmp(e->d_name, "upper_", 6);
	n = readlinkat(dir, "master", master, sizeof(master) - 1);
	if (n > 0 && !is_vrf(dir, "master"))
		return DEVICE_BELOW;
	return uppers > (n > 0) ? DEVICE_SHARED : DEVICE_COUNTS;
}

/* False: it went away meanwhile, or is no device. */
static bool read_device(int root, const char *name, struct device *ret)
{
	struct device device = { 0 };
	DIR *entries;
	int dir = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok;

	if (dir < 0)
		return false;
	entries = fdopendir(dir);
	if (!entries) {
		close(dir);
		return false;
	}
	ok = read_number(dir, "ifindex", 10, &device.ifindex);
	if (ok)
		device.rule = find_rule(dir, entries);
	if (ok && device.rule == DEVICE_SHARED)
		read_address(dir, device.address);
	closedir(entries);
	if (ok)
		*ret = device;
	return ok;
}

static int compare(const void *a, const void *b)
{
	const struct device *x = a, *y = b;

	return (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

static int append(struct device **table, size_t *n, size_t *room, const struct device *device)
{
	if (*n == *room) {
		size_t more = MAX(*room * 2, (size_t)16);
		struct device *grown;

		if (more > TABLE_MAX)
			return -ENOSPC;
		grown = reallocarray(*table, more, sizeof(**table));
		if (!grown)
			return -ENOMEM;
		*table = grown;
		*room = more;
	}
	(*table)[(*n)++] = *device;
	return 0;
}

int devices_read(struct devices *d, uint64_t now_ns)
{
	int fd = open_directory(d->root, "."), error = 0;
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct device *table = NULL, device;
	size_t n = 0, room = 0;
	struct dirent *e;

	d->read_ns = now_ns;
	d->is_read = true;
	if (!list) {
		error = fd < 0 ? fd : -errno;
		close_p(&fd);
		return error;
	}
	while (error == 0 && (e = readdir(list)))
		if (e->d_name[0] != '.' && read_device(d->root, e->d_name, &device))
			error = append(&table, &n, &room, &device);
	closedir(list);
	if (error < 0) {
		free(table);
		return error;
	}
	if (n > 1)
		qsort(table, n, sizeof(*table), compare);
	free(d->table);
	d->table = table;
	d->n = n;
	d->room = room;
	return 0;
}

static const struct device *find(const struct devices *d, uint32_t ifindex)
{
	const struct device key = { .ifindex = ifindex };

	return d->n ? bsearch(&key, d->table, d->n, sizeof(key), compare) : NULL;
}

/* Packets of two CPUs may be out of order; a clock that was set back must not stop all reading. */
static bool is_due(const struct devices *d, uint64_t now_ns, uint64_t interval)
{
	return !d->is_read || now_ns >= d->read_ns + interval ||
	       now_ns + NSEC_PER_SEC < d->read_ns;
}

bool devices_skip(struct devices *d, uint32_t ifindex, bool outgoing, bool other,
		  const uint8_t source[6], uint64_t now_ns)
{
	static const uint8_t none[6];
	const struct device *device;

	if (is_due(d, now_ns, REFRESH_NS))
		(void)devices_read(d, now_ns);
	device = find(d, ifindex);
	if (!device && is_due(d, now_ns, UNKNOWN_NS)) {
		(void)devices_read(d, now_ns);
		device = find(d, ifindex);
	}
	if (!device || device->rule == DEVICE_COUNTS)
		return false;
	if (device->rule == DEVICE_BELOW || other)
		return true;
	return outgoing && source && memcmp(device->address, none, sizeof(none)) != 0 &&
	       memcmp(device->address, source, sizeof(none)) != 0;
}
