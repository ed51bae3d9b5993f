/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/devices.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"
#include "util/macro.h"

static char top[64];
static struct devices devices;
static struct {
	char name[16];
	uint32_t ifindex;
} names[1100];
static size_t n_names;
static unsigned int asked;

static const uint8_t own[6] = { 2, 0, 0, 0, 0, 1 }, foreign[6] = { 2, 0, 0, 0, 0, 9 };

static void write_file(const char *device, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, device);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/%s", top, device, name);
	f = fopen(path, "w");
	CHECK(f);
	fputs(text, f);
	fclose(f);
}

static bool name_of(void *data, uint32_t ifindex, char ret[IF_NAMESIZE])
{
	CHECK(data == &asked);
	asked++;
	for (size_t i = 0; i < n_names; i++)
		if (names[i].ifindex == ifindex) {
			memcpy(ret, names[i].name, IF_NAMESIZE);
			return true;
		}
	return false;
}

static void add_name(const char *name, uint32_t ifindex)
{
	snprintf(names[n_names].name, sizeof(names[0].name), "%s", name);
	names[n_names++].ifindex = ifindex;
}

static void add_device(const char *name, unsigned int ifindex, const char *flags)
{
	char text[32];

	add_name(name, ifindex);
	snprintf(text, sizeof(text), "%u\n", ifindex);
	write_file(name, "ifindex", text);
	write_file(name, "flags", flags);
	write_file(name, "address", "02:00:00:00:00:01\n");
}

/* As the kernel links them: the upper one has lower_NAME, the lower one upper_NAME. */
static void put_on(const char *upper, const char *lower, bool is_master)
{
	char path[256], to[64];

	snprintf(path, sizeof(path), "%s/%s/lower_%s", top, upper, lower);
	snprintf(to, sizeof(to), "../%s", lower);
	CHECK_EQ(symlink(to, path), 0);
	snprintf(path, sizeof(path), "%s/%s/upper_%s", top, lower, upper);
	snprintf(to, sizeof(to), "../%s", upper);
	CHECK_EQ(symlink(to, path), 0);
	if (!is_master)
		return;
	snprintf(path, sizeof(path), "%s/%s/master", top, lower);
	CHECK_EQ(symlink(to, path), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void begin(void)
{
	strcpy(top, "/tmp/pevent-unit-XXXXXX");
	CHECK(mkdtemp(top));
	n_names = asked = 0;
	add_device("lo", 1, "0x9\n");
	add_device("eth0", 2, "0x1003\n");
}

static void ready(void)
{
	devices_init(&devices, open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC), name_of, &asked);
}

static void end(void)
{
	devices_finish(&devices);
	devices_finish(&devices);
	nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static bool skips(uint32_t ifindex, bool outgoing, bool other, const uint8_t *source)
{
	return devices_skip(&devices, ifindex, outgoing, other, source, NSEC_PER_SEC);
}

static bool skips_all(uint32_t ifindex)
{
	return skips(ifindex, false, false, foreign) && skips(ifindex, true, false, own) &&
	       skips(ifindex, false, true, foreign) && skips(ifindex, false, false, NULL);
}

static bool skips_none(uint32_t ifindex)
{
	return !skips(ifindex, false, false, foreign) && !skips(ifindex, true, false, own) &&
	       !skips(ifindex, true, false, foreign) && !skips(ifindex, false, true, foreign);
}

TEST(alone)
{
	begin();
	ready();
	CHECK(skips_none(1));
	CHECK(skips_none(2));
	CHECK_EQ(devices.n, 2);
	end();
}

TEST(ports_of_a_bridge)
{
	begin();
	add_device("br0", 3, "0x1003\n");
	put_on("br0", "eth0", true);
	ready();
	CHECK(skips_all(2));
	CHECK(skips_none(3));
	end();
}

TEST(bond_below_a_bridge)
{
	begin();
	add_device("eth1", 3, "0x1803\n");
	add_device("bond0", 4, "0x1443\n");
	add_device("br0", 5, "0x1003\n");
	put_on("bond0", "eth0", true);
	put_on("bond0", "eth1", true);
	put_on("br0", "bond0", true);
	ready();
	CHECK(skips_all(2));
	CHECK(skips_all(3));
	CHECK(skips_all(4));
	CHECK(skips_none(5));
	end();
}

TEST(vrf)
{
	begin();
	add_device("blue", 3, "0x4c1\n");
	put_on("blue", "eth0", true);
	ready();
	CHECK(skips_none(2));
	CHECK(skips_none(3));
	end();
}

/* A bond of devices without addresses takes over that they know no ARP. */
TEST(bond_without_arp)
{
	char path[128];

	begin();
	add_device("bond0", 3, "0x4c1\n");
	snprintf(path, sizeof(path), "%s/bond0/bonding", top);
	CHECK_EQ(mkdir(path, 0700), 0);
	put_on("bond0", "eth0", true);
	ready();
	CHECK(skips_all(2));
	end();
}

TEST(macvlan)
{
	begin();
	add_device("mac0", 3, "0x1003\n");
	put_on("mac0", "eth0", false);
	ready();
	CHECK(!skips(2, false, false, foreign));
	CHECK(!skips(2, true, false, own));
	CHECK(skips(2, true, false, foreign));
	CHECK(skips(2, false, true, foreign));
	CHECK(!skips(2, true, false, NULL));
	CHECK(skips_none(3));
	end();
}

/* Within a VRF, and below a macvlan. */
TEST(vrf_and_macvlan)
{
	begin();
	add_device("blue", 3, "0x4c1\n");
	add_device("mac0", 4, "0x1003\n");
	put_on("blue", "eth0", true);
	put_on("mac0", "eth0", false);
	ready();
	CHECK(skips(2, true, false, foreign));
	CHECK(!skips(2, true, false, own));
	end();
}

TEST(address_that_is_none)
{
	begin();
	add_device("vx0", 3, "0x1003\n");
	put_on("vx0", "eth0", false);
	write_file("eth0", "address", "\n");
	ready();
	CHECK(!skips(2, true, false, foreign));
	end();
}

TEST(what_is_no_device)
{
	begin();
	write_file("odd", "ifindex", "12x\n");
	write_file("more", "ifindex", "99999999999\n");
	write_file("empty", "ifindex", "");
	add_device("br0", 3, "0x1003\n");
	put_on("br0", "eth0", true);
	add_name("odd", 12);
	add_name("more", 13);
	add_name("empty", 14);
	add_name("not-there", 15);
	add_name("eth0", 16);	/* was given another name, and that to another device, meanwhile */
	ready();
	for (uint32_t i = 12; i <= 16; i++)
		CHECK(skips_none(i));
	CHECK(skips_all(2));
	end();
}

/* Each is read by itself, when its first packet comes. */
TEST(unknown_are_looked_for_ten_times_a_second)
{
	begin();
	ready();
	CHECK(!devices_skip(&devices, 7, false, false, NULL, NSEC_PER_SEC));
	add_device("v7", 7, "0x1003\n");
	add_device("br0", 8, "0x1003\n");
	put_on("br0", "v7", true);
	CHECK(!devices_skip(&devices, 7, false, false, NULL, NSEC_PER_SEC + 99 * NSEC_PER_MSEC));
	CHECK_EQ(asked, 1);
	CHECK(devices_skip(&devices, 7, false, false, NULL, NSEC_PER_SEC + 100 * NSEC_PER_MSEC));
	CHECK_EQ(asked, 2);
	CHECK(devices_skip(&devices, 7, false, false, NULL, NSEC_PER_SEC + 900 * NSEC_PER_MSEC));
	CHECK_EQ(asked, 2);
	end();
}

TEST(known_are_read_again_after_two_seconds)
{
	begin();
	ready();
	CHECK(!devices_skip(&devices, 2, false, false, NULL, 5 * NSEC_PER_SEC));
	add_device("br0", 3, "0x1003\n");
	put_on("br0", "eth0", true);
	CHECK(!devices_skip(&devices, 2, false, false, NULL, 7 * NSEC_PER_SEC - 1));
	/* A little back is another CPU's packet, much is the clock. */
	CHECK(!devices_skip(&devices, 2, false, false, NULL, 5 * NSEC_PER_SEC - 1000));
	CHECK(devices_skip(&devices, 2, false, false, NULL, 3 * NSEC_PER_SEC));
	end();
}

TEST(what_was_known_stays)
{
	begin();
	add_device("br0", 3, "0x1003\n");
	put_on("br0", "eth0", true);
	ready();
	CHECK(skips_all(2));
	n_names = 0;
	CHECK(devices_skip(&devices, 2, false, false, NULL, 9 * NSEC_PER_SEC));
	CHECK_EQ(asked, 2);
	end();
}

/* No more than 10 are read in 20 ms, however many there are; the rest is, later. */
TEST(many)
{
	char name[16];
	unsigned int skipped = 0;

	begin();
	add_device("br0", 3, "0x1003\n");
	for (unsigned int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "v%u", i);
		add_device(name, 3000 - i, "0x1003\n");
		put_on("br0", name, true);
	}
	ready();
	for (uint64_t ms = 1000; ms < 3000; ms += 20) {
		for (uint32_t i = 2001; i <= 3000; i++)
			skipped += devices_skip(&devices, i, false, false, NULL,
						ms * NSEC_PER_MSEC);
		CHECK_EQ(asked, ((ms - 1000) / 20 + 1) * 10);
	}
	CHECK_EQ(skipped, 10 * 100 * 101 / 2);
	for (uint32_t i = 2001; i <= 3000; i++)
		CHECK(devices_skip(&devices, i, false, false, NULL, 2999 * NSEC_PER_MSEC));
	end();
}

/* Numbers that are never seen again do not stay for ever. */
TEST(more_than_there_is_room_for)
{
	begin();
	ready();
	for (uint32_t i = 0; i < 20000; i++)
		CHECK(!devices_skip(&devices, 100 + i, false, false, NULL,
				    (1000 + 2ull * i) * NSEC_PER_MSEC));
	CHECK_EQ(asked, 20000);
	CHECK_EQ(devices.n, 20000 - 16384);
	end();
}

/* Another namespace's, before Linux 5.2: nothing is known, and nothing asked. */
TEST(without_a_directory)
{
	begin();
	devices_init(&devices, -38, name_of, &asked);
	CHECK(skips_none(1));
	CHECK(skips_none(2));
	CHECK_EQ(asked, 0);
	end();
}

TEST_MAIN()
