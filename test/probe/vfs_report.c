// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The frames that aod-probe makes of the VFS programs' memory, with a memory of our own. usage: vfs_report CASE; the frames go to stdout.
 */
#include <string.h>
#include <unistd.h>
#include "check.h"
#include "vfs/vfs.h"

static struct aod_vfs_task tasks[AOD_VFS_TASKS];
static struct aod_vfs_stats stats[AOD_VFS_DEVICES * AOD_VFS_CALLBACKS];
static struct aod_vfs_device devices[AOD_VFS_DEVICES];
static struct aod_vfs_losses losses;
static struct aod_vfs_tunables tunables;
static __u64 now = 1000000000;

__u64 now_ns(void)
{
	return now;
}

__u64 load_recursion_misses(const struct loaded *loaded)
{
	return 3;
}

static void op(const char *text, size_t size)
{
	static struct {
		struct aod_vfs_op op;
		char text[AOD_VFS_TEXT + AOD_VFS_NAME];
	} record;

	record.op.text_size = size;
	record.op.inode = size;
	memset(record.text, 'x', sizeof(record.text));
	memcpy(record.text, text, strlen(text));
	vfs_outlier(NULL, &record, sizeof(record.op) + size);
}

/* Texts of every length: each record begins at a multiple of 8, and none is torn between two frames. */
static void ops(void)
{
	for (size_t size = 0; size <= AOD_VFS_TEXT; size++) {
		op("name", size < 4 ? 4 : size);
		if (size % 300 == 299)
			vfs_outliers_done();
	}
	vfs_outliers_done();
}

static void call(__u32 at, __u32 tid, __u32 depth, __u64 started, __u16 callback)
{
	tasks[at].id = (__u64)tid << 32 | tid;
	tasks[at].depth = depth + 1;
	strcpy(tasks[at].comm, "task");
	tasks[at].frames[depth] = (struct aod_vfs_frame){ .started = started, .callback = callback, .device = 45, .inode = 7 };
}

static void tick(void)
{
	const struct aod_vfs_settings all = { .inflight_ns = 500 };

	CHECK_EQ("settings", vfs_request(AOD_REQUEST_SET, &all, sizeof(all)), 1);
	CHECK_EQ("settings of another size", vfs_request(AOD_REQUEST_SET, &all, sizeof(all) - 1), 0);
	devices[3].device = 45;
	stats[3 * AOD_VFS_CALLBACKS + 9] = (struct aod_vfs_stats){ .count = 5, .errors = 2, .buckets = { [4] = 3, [8] = 2 } };
	call(11, getpid(), 0, now - 600, 1);
	call(11, getpid(), 1, now - 400, 2); /* too young */
	call(12, getpid(), 0, 0, 3);         /* being written */
	call(13, 0x7ffffff0, 0, now - 9000, 4); /* its task has ended */
	losses.unseen[6] = 1;
	vfs_tick();
	CHECK_EQ("a task that has ended gives its place back", tasks[13].depth, 0);
	CHECK_EQ("and is counted", losses.ghosts, 1);
	stats[3 * AOD_VFS_CALLBACKS + 9].count = 6;
	stats[3 * AOD_VFS_CALLBACKS + 9].buckets[8] = 3;
	vfs_tick();
	vfs_tick();
}

int main(int argc, char **argv)
{
	static const struct loaded loaded;

	vfs_memory = (struct vfs_memory){ tasks, stats, devices, &losses, &tunables };
	vfs_start(&loaded);
	if (!strcmp(argv[1], "ops"))
		ops();
	else
		tick();
	while (out_pending())
		out_flush();
	return 0;
}
