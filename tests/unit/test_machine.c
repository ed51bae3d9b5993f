/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/machine.h"
#include "source/procfs.h"
#include "test.h"
#include "wire/machine.h"

#define STAT(literal, ret) machine_stat_decode("" literal, sizeof(literal) - 1, ret)
#define MEMINFO(literal, ret) machine_meminfo_decode("" literal, sizeof(literal) - 1, ret)
#define LOADAVG(literal, ret) machine_loadavg_decode("" literal, sizeof(literal) - 1, ret)

TEST(ticks)
{
	struct machine_ticks t;

	CHECK_EQ(STAT("cpu  1 20 300 4000 50000 600000 7000000 80000000 900000000 0\n"
		      "cpu0 1 1 1 1 1 1 1 1 1 1\n", &t), 0);
	CHECK_EQ(t.busy, 7600321);	/* neither stolen nor, twice, a guest's */
	CHECK_EQ(t.idle, 54000);
	CHECK_EQ(t.stolen, 80000000);
	CHECK_EQ(STAT("cpu  1 1 1 1 1 1 1 3", &t), 0);	/* Linux 2.6.11 */
	CHECK_EQ(t.busy, 5);
	CHECK_EQ(t.stolen, 3);
	t.busy = 99;
	CHECK_EQ(STAT("", &t), -EBADMSG);
	CHECK_EQ(STAT("cpu0 1 1 1 1 1 1 1 1\n", &t), -EBADMSG);
	CHECK_EQ(STAT("cpu  1 1 1 1 1 1 1\n1\n", &t), -EBADMSG);
	CHECK_EQ(t.busy, 99);
}

TEST(memory)
{
	struct machine_memory m;

	CHECK_EQ(MEMINFO("MemTotal:       24682416 kB\nMemFree:        1 kB\n"
			 "MemAvailable:   24175300 kB\n", &m), 0);
	CHECK_EQ(m.total, INT64_C(24682416) * 1024);
	CHECK_EQ(m.available, INT64_C(24175300) * 1024);
	m.total = 99;
	CHECK_EQ(MEMINFO("MemTotal:       24682416 kB\nMemFree:        1 kB\n", &m), -EBADMSG);
	CHECK_EQ(MEMINFO("MemAvailable: 1 kB\n", &m), -EBADMSG);
	CHECK_EQ(MEMINFO("MemTotal: kB\nMemAvailable: 1 kB\n", &m), -EBADMSG);
	CHECK_EQ(m.total, 99);
}

TEST(load)
{
	uint32_t load[3] = { 9, 9, 9 };

	CHECK_EQ(LOADAVG("0.05 12.34 1000.00 1/83 7785\n", load), 0);
	CHECK_EQ(load[0], 5);
	CHECK_EQ(load[1], 1234);
	CHECK_EQ(load[2], 100000);
	CHECK_EQ(LOADAVG("", load), -EBADMSG);
	CHECK_EQ(LOADAVG("0.05 12.34", load), -EBADMSG);
	CHECK_EQ(LOADAVG("0.05 12.34 1", load), -EBADMSG);
	CHECK_EQ(LOADAVG("0.05 12.34 1.5 1/2 3", load), -EBADMSG);
	CHECK_EQ(LOADAVG("0.05 12.34 1.-5", load), -EBADMSG);
	CHECK_EQ(LOADAVG("0.05 12.34 99999999.00", load), -EBADMSG);
	CHECK_EQ(load[1], 1234);
}

/* --- a /proc of our own --- */

static char dir[64];

static void put(int root, const char *name, const char *text)
{
	int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

TEST(files_of_a_root)
{
	const uint64_t tick_ns = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	struct source_machine m = { .memory_total = 99 };
	struct machine_stolen stolen;
	int root;

	strcpy(dir, "/tmp/pevent-unit-XXXXXX");
	CHECK(mkdtemp(dir));
	root = procfs_open(dir);
	CHECK(root >= 0);
	CHECK_EQ(source_machine_read(root, &m), -ENOENT);
	CHECK_EQ(source_machine_stolen(root, &stolen), -ENOENT);
	put(root, "stat", "cpu  100 0 50 1000 7 0 3 21 0 0\n");
	put(root, "meminfo", "MemTotal: 8 kB\nMemAvailable: 4 kB\n");
	put(root, "loadavg", "0.50 0.25 nan 1/83 7785\n");
	CHECK_EQ(source_machine_read(root, &m), -EBADMSG);
	CHECK_EQ(m.memory_total, 99);
	put(root, "loadavg", "0.50 0.25 0.12 1/83 7785\n");
	CHECK_EQ(source_machine_read(root, &m), 0);
	CHECK_EQ(source_machine_stolen(root, &stolen), 0);
	CHECK_EQ(stolen.stolen_ns, 21 * tick_ns);
	CHECK_EQ(stolen.busy_ns, 153 * tick_ns);
	CHECK_EQ(m.cpu_busy_ns, 153 * tick_ns);
	CHECK_EQ(m.cpu_idle_ns, 1007 * tick_ns);
	CHECK_EQ(m.memory_total, 8192);
	CHECK_EQ(m.memory_available, 4096);
	CHECK_EQ(m.load[0], 50);
	CHECK_EQ(m.load[2], 12);
	unlinkat(root, "stat", 0);
	unlinkat(root, "meminfo", 0);
	unlinkat(root, "loadavg", 0);
	close(root);
	CHECK_EQ(rmdir(dir), 0);
}

TEST(this_machine)
{
	struct source_machine m;
	int root = procfs_open("/proc");

	CHECK(root >= 0);
	CHECK_EQ(source_machine_read(root, &m), 0);
	CHECK(m.cpu_busy_ns > 0 && m.cpu_idle_ns > 0);
	CHECK(m.memory_available > 0 && m.memory_available <= m.memory_total);
	close(root);
}

TEST_MAIN()
