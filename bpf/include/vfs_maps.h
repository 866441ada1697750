/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The memory of the VFS programs: arrays that aod-probe maps by section name, and the few ways to find a place in them. 5.10 has no
 * atomic operation that gives a result: a place is claimed by adding one and finding oneself alone.
 */
#ifndef AOD_VFS_MAPS_H
#define AOD_VFS_MAPS_H

const volatile struct aod_vfs_config callbacks[AOD_VFS_CALLBACKS] SEC(".rodata.callbacks") = {};
const volatile struct aod_vfs_knobs knobs SEC(".rodata.knobs") = {};
struct aod_vfs_task tasks[AOD_VFS_TASKS] SEC(".bss.tasks");
struct aod_vfs_stats stats[AOD_VFS_DEVICES * AOD_VFS_CALLBACKS] SEC(".bss.stats");
struct aod_vfs_device devices[AOD_VFS_DEVICES] SEC(".bss.devices");
struct aod_vfs_losses losses SEC(".bss.losses");
struct aod_vfs_slot slots[AOD_VFS_SLOTS] SEC(".bss.slots");
__s64 running[AOD_VFS_CALLBACKS] SEC(".bss.running"); /* only where a kretprobe has few instances */
struct aod_vfs_tunables tunables SEC(".data.tunables") = { .tgid = 0 };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} outliers SEC(".maps");

#include "tables.h"

#define barrier_here() asm volatile("" ::: "memory")

/* true: nobody else; to be given back with unclaim(). */
static __always_inline bool claim(__u32 *place)
{
	__sync_fetch_and_add(place, 1);
	barrier_here();
	return *(volatile __u32 *)place == 1;
}

static __always_inline void unclaim(__u32 *place)
{
	barrier_here();
	__sync_fetch_and_add(place, -1);
}

/* The idle tasks of all processors have the number 0. */
static __always_inline __u64 task_id(void)
{
	__u64 id = bpf_get_current_pid_tgid();

	return (__u32)id ? id : 1ull << 63 | bpf_get_smp_processor_id();
}

static __always_inline struct aod_vfs_task *task_at(__u64 at)
{
	struct aod_vfs_task *t = &tasks[at & (AOD_VFS_TASKS - 1)];

	barrier_var(t);
	return t;
}

static __always_inline struct aod_vfs_task *task_find(__u64 id)
{
	struct aod_vfs_task *t = task_at(id);

	if (t->id == id && t->depth)
		return t;
	t = task_at(HASH(id) >> 40);
	return t->id == id && t->depth ? t : NULL;
}

static __always_inline bool task_take(struct aod_vfs_task *t, __u64 id)
{
	bool mine = claim(&t->claim) && !t->depth;

	if (mine) {
		t->id = id;
		bpf_get_current_comm(t->comm, sizeof(t->comm));
		t->depth = 1;
	}
	unclaim(&t->claim);
	return mine;
}

static __always_inline struct aod_vfs_task *task_begin(__u64 id)
{
	struct aod_vfs_task *t = task_at(id);

	if (task_take(t, id))
		return t;
	t = task_at(HASH(id) >> 40);
	if (task_take(t, id))
		return t;
	count(&losses.tasks_full);
	return NULL;
}

static __always_inline struct aod_vfs_frame *frame_at(struct aod_vfs_task *t, __u32 at)
{
	struct aod_vfs_frame *f;

	if (at >= AOD_VFS_DEPTH)
		return NULL;
	barrier_var(at); /* the verifier must see the check before the multiplication */
	f = &t->frames[at];
	barrier_var(f);
	return f;
}

static __always_inline struct aod_vfs_slot *slot_at(__u32 at)
{
	struct aod_vfs_slot *s = &slots[at & (AOD_VFS_SLOTS - 1)];

	barrier_var(s);
	return s;
}

/* Of the newest call. */
static __always_inline void frame_end(struct aod_vfs_task *t, struct aod_vfs_frame *f)
{
	if (f->slot)
		unclaim(&slot_at(f->slot - 1)->claim);
	f->started = 0;
	barrier_here();
	t->depth--;
}

/*
 * The newest call of a task. Where it is, is read from memory each time: the verifier would follow every depth on a path of its own.
 */
static __always_inline struct aod_vfs_frame *top_of(struct aod_vfs_task *t)
{
	return frame_at(t, *(volatile __u32 *)&t->depth - 1);
}

/*
 * Calls whose end was missed. Stacks grow downwards: what begins or ends at `limit` leaves nothing below it. (Kernel stacks are 16 KiB,
 * aligned; an interrupt has its own.)
 */
static __always_inline void end_ghosts(struct aod_vfs_task *t, __u64 limit)
{
	for (int i = 0; i < AOD_VFS_DEPTH; i++) {
		struct aod_vfs_frame *f = top_of(t);

		if (!f || !f->started || f->sp > limit || (f->sp ^ limit) >> 14)
			return;
		count(&losses.ghosts);
		frame_end(t, f);
	}
}

/* By way of memory it becomes a number: the verifier lets nobody calculate with the context's address. */
static __always_inline __u64 number_of_sp(struct aod_vfs_task *t, __u64 sp)
{
	t->sp = sp;
	return *(volatile __u64 *)&t->sp;
}

/* A place for a call that begins. The depth is taken before the place is written: what interrupts us here takes the next one, and gives it back. */
static __always_inline struct aod_vfs_frame *frame_begin(__u64 sp)
{
	__u64 id = task_id();
	struct aod_vfs_task *t = task_find(id);
	struct aod_vfs_frame *f;

	if (t)
		end_ghosts(t, number_of_sp(t, sp));
	if (t && t->depth >= AOD_VFS_DEPTH) {
		count(&losses.depth_full);
		return NULL;
	}
	if (t && t->depth) {
		t->depth++;
	} else {
		t = task_begin(id);
		if (!t)
			return NULL;
	}
	barrier_here();
	f = top_of(t);
	if (f) {
		f->sp = sp;
		f->slot = 0;
	}
	return f;
}

/* Sets the place where a call's op is put together, + 1; 0 = all are in use. */
static __always_inline void slot_claim(struct aod_vfs_frame *f)
{
	__u32 first = bpf_get_smp_processor_id() * 4;

	f->slot = 0;
	for (int i = 0; i < 4; i++) {
		__u32 at = (first + i) & (AOD_VFS_SLOTS - 1);

		if (claim(&slot_at(at)->claim)) {
			f->slot = at + 1;
			return;
		}
		unclaim(&slot_at(at)->claim);
	}
}

/* NULL = it has none. Read from memory each time, as top_of(). */
static __always_inline struct aod_vfs_slot *slot_of(struct aod_vfs_frame *f)
{
	__u32 slot = *(volatile __u32 *)&f->slot;

	return slot ? slot_at(slot - 1) : NULL;
}

/* Sets the place of a device's statistics; 0, with the loss counted, when there is none. */
static __always_inline void find_device(struct aod_vfs_frame *f)
{
	f->place = 0;
	if (!f->device)
		return;
	for (__u32 i = 0; i < 4; i++) {
		__u32 at = (f->device + i) & (AOD_VFS_DEVICES - 1);
		struct aod_vfs_device *d = &devices[at];

		barrier_var(d);
		if (at && !d->device) {
			if (claim(&d->claim))
				d->device = f->device; /* and keeps the claim */
			else
				unclaim(&d->claim);
		}
		if (at && d->device == f->device) {
			f->place = at;
			return;
		}
	}
	count(&losses.devices_full);
}

#endif
