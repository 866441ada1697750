/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The memory of smb_wire: arrays that aod-probe maps by section name, and the few ways to find a place in them. */
#ifndef AOD_SMB_WIRE_MAPS_H
#define AOD_SMB_WIRE_MAPS_H

struct aod_smb_op ops[AOD_RING + AOD_OVERFLOW] SEC(".bss.ops");
struct aod_index_entry request_index[AOD_INDEX] SEC(".bss.index");
struct aod_task tasks[AOD_TASKS] SEC(".bss.tasks");
struct aod_smb_target targets[AOD_TARGETS] SEC(".bss.targets");
struct aod_smb_stats stats[AOD_TARGETS * AOD_COMMANDS] SEC(".bss.stats");
struct aod_failure_place failures[AOD_FAILURES] SEC(".bss.failures");
struct aod_smb_losses losses SEC(".bss.losses");
struct aod_smb_events events SEC(".bss.events");
__u64 head SEC(".bss.head");
const volatile struct aod_smb_knobs knobs SEC(".rodata.knobs") = { .send = 1, .credits = 1 };
struct aod_smb_tunables tunables SEC(".data.tunables") = { .error_commands = 0 };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} outliers SEC(".maps");

#define OP_GHOST AOD_OP_GHOST
#include "op_index_claim.h"

static __always_inline __u32 command_of(__u16 command)
{
	return command < AOD_COMMANDS - 1 ? command : AOD_COMMANDS - 1;
}

static __always_inline struct aod_task *task_find(__u64 id)
{
	struct aod_task *t = &tasks[id & (AOD_TASKS - 1)];

	if (t->id == id)
		return t;
	t = &tasks[(id ^ 1) & (AOD_TASKS - 1)];
	return t->id == id ? t : NULL;
}

/* The task's place, or one that nobody waits in. */
static __always_inline struct aod_task *task_claim(__u64 id)
{
	struct aod_task *t = task_find(id);

	if (t)
		return t;
	t = &tasks[id & (AOD_TASKS - 1)];
	if (t->waiting)
		t = &tasks[(id ^ 1) & (AOD_TASKS - 1)];
	if (t->waiting) {
		count(&losses.tasks_full);
		return NULL;
	}
	t->id = id;
	t->asked = 0;
	t->granted_ns = 0;
	t->chain = 0;
	t->opener = 0;
	t->rqst = 0;
	t->server = 0;
	return t;
}

/* The index of a target; 0, with the loss counted, when there is no room. */
static __always_inline __u32 target_of(__u64 connection, __u64 session, __u32 tree)
{
	__u64 key = HASH(HASH(connection ^ session) + tree) | 1;

	for (__u32 i = 0; i < PROBES; i++) {
		__u32 at = ((key >> 56) + i) & (AOD_TARGETS - 1);
		struct aod_smb_target *t = &targets[at];

		if (t->key == key)
			return at;
		if (at && !t->key && !__sync_val_compare_and_swap(&t->key, 0, key)) {
			t->connection = connection;
			t->session = session;
			t->tree = tree;
			return at;
		}
	}
	count(&losses.targets_full);
	return 0;
}

#endif
