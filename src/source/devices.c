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
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/macro.h"

#define REFRESH_NS (2 * NSEC_PER_SEC)
#define UNKNOWN_NS (NSEC_PER_SEC / 10)
#define WINDOW_NS (NSEC_PER_SEC / 50)
#define READINGS_MAX 10		/* in a window */
#define TABLE_MAX 16384


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

int devices_open_root(bool own)
{
	int fd = open_own_sysfs();

	return fd >= 0 || !own ? fd : open_directory(AT_FDCWD, "/sys/class/net");
}

bool devices_ask_name(void *data, uint32_t ifindex, char ret[IF_NAMESIZE])
{
	struct ifreq request = { .ifr_ifindex = (int)ifindex };

	if (ioctl(*(const int *)data, SIOCGIFNAME, &request) < 0)
		return false;
	memcpy(ret, request.ifr_name, IF_NAMESIZE);
	return true;
}

void devices_init(struct devices *d, int root, device_name_fn name, void *data)
{
	*d = (struct devices){ .is_open = true, .root = root, .name = name, .data = data };
}

void devices_finish(struct devices *d)
{
	if (!d->is_open)
		return;
	free(d->table);
	if (d->root >= 0)
		close(d->root);
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

/* Where it is, or would be. */
static size_t place_of(const struct devices *d, uint32_t ifindex)
{
	size_t begin = 0, end = d->n;

	while (begin < end) {
		size_t middle = begin + (end - begin) / 2;

		if (d->table[middle].ifindex < ifindex)
			begin = middle + 1;
		else
			end = middle;
	}
	return begin;
}

/* Devices come and go, their numbers only grow: when there is no room, all begins anew. */
static struct device *insert(struct devices *d, size_t place, uint32_t ifindex)
{
	if (d->n == TABLE_MAX)
		d->n = place = 0;
	if (d->n == d->room) {
		size_t more = MAX(d->room * 2, (size_t)16);
		struct device *grown = reallocarray(d->table, more, sizeof(*grown));

		if (!grown)
			return NULL;
		d->table = grown;
		d->room = more;
	}
	memmove(&d->table[place + 1], &d->table[place], (d->n - place) * sizeof(*d->table));
	d->n++;
	d->table[place] = (struct device){ .ifindex = ifindex };
	return &d->table[place];
}

/* Packets of two CPUs may be out of order; a clock that was set back must not stop all reading. */
static bool is_past(uint64_t now_ns, uint64_t then_ns, uint64_t interval)
{
	return now_ns >= then_ns + interval || now_ns + NSEC_PER_SEC < then_ns;
}

static bool may_read(struct devices *d, uint64_t now_ns)
{
	if (is_past(now_ns, d->window_ns, WINDOW_NS)) {
		d->window_ns = now_ns;
		d->readings = 0;
	}
	return d->readings++ < READINGS_MAX;
}

/* What cannot be read any more stays as it was. */
static void refresh(const struct devices *d, struct device *device, uint64_t now_ns)
{
	struct device now = { 0 };
	char name[IF_NAMESIZE];

	device->read_ns = now_ns;
	if (!d->name(d->data, device->ifindex, name) || !read_device(d->root, name, &now) ||
	    now.ifindex != device->ifindex)
		return;
	*device = now;
	device->is_found = true;
	device->read_ns = now_ns;
}

/* NULL: there is no time, or memory, for what is not known. */
static const struct device *find(struct devices *d, uint32_t ifindex, uint64_t now_ns)
{
	const size_t place = place_of(d, ifindex);
	struct device *device = NULL;
	uint64_t interval = 0;

	if (place < d->n && d->table[place].ifindex == ifindex) {
		device = &d->table[place];
		interval = device->is_found ? REFRESH_NS : UNKNOWN_NS;
	}
	if ((device && !is_past(now_ns, device->read_ns, interval)) || !may_read(d, now_ns))
		return device;
	if (!device)
		device = insert(d, place, ifindex);
	if (device)
		refresh(d, device, now_ns);
	return device;
}

bool devices_skip(struct devices *d, uint32_t ifindex, bool outgoing, bool other,
		  const uint8_t source[6], uint64_t now_ns)
{
	static const uint8_t none[6];
	const struct device *device = d->root >= 0 ? find(d, ifindex, now_ns) : NULL;

	if (!device || device->rule == DEVICE_COUNTS)
		return false;
	if (device->rule == DEVICE_BELOW || other)
		return true;
	return outgoing && source && memcmp(device->address, none, sizeof(none)) != 0 &&
	       memcmp(device->address, source, sizeof(none)) != 0;
}
