// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads the programs' memory and makes frames of it. */
#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include "vfs.h"

#define IDLE_TICKS 600 /* a device without calls this long may give its place up when places get scarce */

struct vfs_memory vfs_memory;

static const struct loaded *probe;
static __u64 inflight_ns = ALL_ONES;
static __u64 lost_stdout, seq;
static bool outliers_open;
static struct aod_vfs_stats seen[AOD_VFS_DEVICES * AOD_VFS_CALLBACKS]; /* as of the last tick */
static __u16 idle[AOD_VFS_DEVICES];
static struct {
	struct aod_vfs_losses losses;
	__u64 recursion, stdout_full;
} told;

void vfs_start(const struct loaded *loaded)
{
	probe = loaded;
}

static bool add_op(struct aod_vfs_op *op, size_t size)
{
	static const char zeros[8];

	op->seq = seq + 1;
	if (!out_add(op, size))
		return false;
	seq++;
	return out_add(zeros, -size & 7);
}

/* An op and its text stay together; a frame has room for both or is closed before. */
int vfs_outlier(void *context, void *data, size_t size)
{
	static char copy[sizeof(struct aod_vfs_op) + AOD_VFS_TEXT + AOD_VFS_NAME];
	const size_t whole = size + 8;

	if (size < sizeof(struct aod_vfs_op) || size > sizeof(copy))
		return 0;
	memcpy(copy, data, size);
	if (!outliers_open || !out_fits(whole) || !add_op((void *)copy, size)) {
		vfs_outliers_done();
		outliers_open = out_room() > sizeof(struct aod_frame) + whole && out_open(AOD_FRAME_OPS, NULL, 0);
		if (!outliers_open || !add_op((void *)copy, size))
			lost_stdout++;
	}
	return out_room() > OUT_LOW ? 0 : -EAGAIN;
}

void vfs_outliers_done(void)
{
	if (outliers_open)
		out_close();
	outliers_open = false;
}

/* Differences to the last tick; false when nothing happened. */
static bool entry_of(__u32 at, struct aod_vfs_tick_entry *entry, struct aod_bucket *buckets)
{
	const struct aod_vfs_stats *s = &vfs_memory.stats[at];
	struct aod_vfs_stats *old = &seen[at];

	entry->count = s->count - old->count;
	entry->errors = s->errors - old->errors;
	entry->buckets = 0;
	if (!entry->count)
		return false;
	for (int b = 0; b < AOD_BUCKETS; b++) {
		const __u32 delta = s->buckets[b] - old->buckets[b];

		if (delta)
			buckets[entry->buckets++] = (struct aod_bucket){ .histogram = AOD_HIST_LATENCY, .bucket = b, .count = delta };
		old->buckets[b] += delta;
	}
	old->count += entry->count;
	old->errors += entry->errors;
	return true;
}

static void add_entries(void)
{
	static struct {
		struct aod_vfs_tick_entry entry;
		struct aod_bucket buckets[AOD_BUCKETS];
	} out;

	for (__u32 device = 0; device < AOD_VFS_DEVICES; device++) {
		idle[device] += idle[device] < IDLE_TICKS;
		for (__u32 callback = 0; callback < AOD_VFS_CALLBACKS; callback++) {
			struct aod_vfs_tick *tick = out_head();

			if (!entry_of(device * AOD_VFS_CALLBACKS + callback, &out.entry, out.buckets))
				continue;
			idle[device] = 0;
			out.entry.device = vfs_memory.devices[device].device;
			out.entry.callback = callback;
			if (out_add(&out, sizeof(out.entry) + out.entry.buckets * sizeof(out.buckets[0])))
				tick->entries++;
			else
				lost_stdout++;
		}
	}
}

/* File systems come and go for months: when places get scarce, those that nobody uses give theirs back. */
static void recycle_devices(void)
{
	int used = 0;

	for (__u32 i = 1; i < AOD_VFS_DEVICES; i++)
		used += vfs_memory.devices[i].device != 0;
	if (used < AOD_VFS_DEVICES * 3 / 4)
		return;
	for (__u32 i = 1; i < AOD_VFS_DEVICES; i++) {
		struct aod_vfs_device *d = &vfs_memory.devices[i];

		if (!d->device || idle[i] < IDLE_TICKS)
			continue;
		d->device = 0;
		__atomic_fetch_sub(&d->claim, 1, __ATOMIC_RELEASE);
		idle[i] = 0;
	}
}

static void send_tick(__u64 now, __u64 recursion)
{
	const struct aod_vfs_tick tick = { .now = now, .recursion_misses = recursion };

	/* the reader must be able to take a whole tick; else the differences stay for the next one */
	if (out_room() < AOD_FRAME_MAX + sizeof(struct aod_frame) || !out_open(AOD_FRAME_TICK, &tick, sizeof(tick))) {
		lost_stdout++;
		return;
	}
	add_entries();
	out_close();
}

/* A copy of a call that is under way; false when it ended meanwhile. */
static bool frame_read(const struct aod_vfs_task *t, __u32 at, struct aod_vfs_frame *to)
{
	const struct aod_vfs_frame *f = &t->frames[at];
	const __u64 started = __atomic_load_n(&f->started, __ATOMIC_ACQUIRE);

	if (!started)
		return false;
	memcpy(to, (const void *)f, sizeof(*to));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&f->started, __ATOMIC_ACQUIRE) == started && __atomic_load_n(&t->depth, __ATOMIC_ACQUIRE) > at;
}

static void add_running(const struct aod_vfs_task *t, __u32 at, __u64 now)
{
	struct aod_inflight *head = out_head();
	struct aod_vfs_frame f;
	struct aod_vfs_running running = { .tid = t->id, .tgid = t->id >> 32, .depth = at };

	if (!frame_read(t, at, &f))
		return;
	head->open++;
	if (now < f.started || now - f.started < inflight_ns)
		return;
	running.started = f.started;
	running.inode = f.inode;
	running.device = f.device;
	running.callback = f.callback;
	memcpy(running.comm, (const void *)t->comm, sizeof(running.comm));
	if (out_add(&running, sizeof(running)))
		head->ops++;
	else
		lost_stdout++;
}

/* A task that has ended with a call open: its end was missed. (The idle tasks' place has no task.) */
static bool task_gone(__u64 id)
{
	return !(id >> 63) && kill((__u32)id, 0) && errno == ESRCH;
}

static void send_inflight(__u64 now)
{
	const struct aod_inflight head = { .now = now };

	if (out_room() < AOD_FRAME_MAX + sizeof(struct aod_frame) || !out_open(AOD_FRAME_INFLIGHT, &head, sizeof(head))) {
		lost_stdout++;
		return;
	}
	for (__u32 i = 0; i < AOD_VFS_TASKS; i++) {
		struct aod_vfs_task *t = &vfs_memory.tasks[i];
		const __u32 depth = __atomic_load_n(&t->depth, __ATOMIC_ACQUIRE);

		if (!depth)
			continue;
		if (task_gone(t->id)) {
			memset(t->frames, 0, sizeof(t->frames));
			__atomic_store_n(&t->depth, 0, __ATOMIC_RELEASE);
			__atomic_fetch_add(&vfs_memory.losses->ghosts, depth, __ATOMIC_RELAXED);
			continue;
		}
		for (__u32 at = 0; at < depth && at < AOD_VFS_DEPTH; at++)
			add_running(t, at, now);
	}
	out_close();
}

static void lost(struct aod_lost *list, int *n, __u32 kind, __u32 detail, __u64 count)
{
	if (count)
		list[(*n)++] = (struct aod_lost){ .kind = kind, .detail = detail, .count = count };
}

static void send_losses(__u64 recursion)
{
	const struct aod_vfs_losses l = *vfs_memory.losses;
	static struct aod_lost list[AOD_VFS_CALLBACKS + 16];
	int n = 0;

	if (!memcmp(&told.losses, &l, sizeof(l)) && told.recursion == recursion && told.stdout_full == lost_stdout)
		return;
	lost(list, &n, AOD_LOST_TASKS, 0, l.tasks_full);
	lost(list, &n, AOD_LOST_DEPTH, 0, l.depth_full);
	lost(list, &n, AOD_LOST_TARGETS, 0, l.devices_full);
	lost(list, &n, AOD_LOST_RINGBUF, 0, l.ringbuf_full);
	lost(list, &n, AOD_LOST_NAMES, 0, l.names_full);
	lost(list, &n, AOD_LOST_GHOSTS, 0, l.ghosts);
	for (int c = 0; c < AOD_VFS_CALLBACKS; c++)
		lost(list, &n, AOD_LOST_UNSEEN, c, l.unseen[c]);
	lost(list, &n, AOD_LOST_RECURSION, 0, recursion);
	lost(list, &n, AOD_LOST_STDOUT, 0, lost_stdout);
	if (!out_frame(AOD_FRAME_LOST, NULL, 0, list, n * sizeof(list[0])))
		return; /* told at the next tick */
	told.losses = l;
	told.recursion = recursion;
	told.stdout_full = lost_stdout;
}

void vfs_tick(void)
{
	const __u64 now = now_ns(), recursion = load_recursion_misses(probe);

	send_tick(now, recursion);
	send_inflight(now);
	send_losses(recursion);
	recycle_devices();
}

bool vfs_request(__u16 type, const void *payload, size_t size)
{
	struct aod_vfs_settings settings;

	if (type != AOD_REQUEST_SET || size != sizeof(settings))
		return false;
	memcpy(&settings, payload, sizeof(settings));
	memcpy(vfs_memory.tunables, &settings.vfs, sizeof(settings.vfs));
	inflight_ns = settings.inflight_ns;
	return true;
}
