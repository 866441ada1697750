/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What rpc_trace keeps besides the memory of nfs_rpc, and how it takes places there without atomic instructions that give a result. */
#ifndef AOD_RPC_TRACE_MAPS_H
#define AOD_RPC_TRACE_MAPS_H

#define NOWHERE (RING + AOD_RPC_OVERFLOW)

const volatile struct aod_rpc_layout layout SEC(".rodata.layout") = {};
struct aod_rpc_number numbers[AOD_RPC_NAMES] SEC(".data.numbers") = {};

struct aod_rpc_known known[TARGETS] SEC(".data.known") = {};

/* Of the attempt that goes on, at the place of its op. */
struct attempt {
	__u32 transmissions;
	__u32 sending;
} attempts[RING + AOD_RPC_OVERFLOW];

/* What a data RPC is about. */
struct about {
	__u64 inode;
	__u64 offset;
	__u32 count;
	__u32 device; /* 0 = nothing is known */
};

/* Who has asked, from the task's begin to its first request: only then it is known what for. */
struct begun {
	__u64 at;
	__u64 cgroup;
	__u32 tid;
	__u32 tgid;
	__u32 uid;
	__u32 flags; /* enum aod_rpc_flag */
	char comm[16];
	struct about about;
};

/* What is no NFS, or ends before it asks for anything, is forgotten in time. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct begun);
} begins SEC(".maps");

/* What a thread is about to ask for: its next task is that. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct about);
} data SEC(".maps");

/*
 * The task whose attempt a thread has ended last, as the kernel's pointer and as the key of its op. Its release, of which a kprobe tells
 * the pointer alone, is then in the same thread.
 */
struct ended {
	__u64 task;
	__u64 request;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct ended);
} ends SEC(".maps");

/* Of each target, the first device that was seen on it; AOD_RPC_UNKNOWN = several: it is no mount's own. */
__u32 devices[TARGETS];

/* Even, as the keys of held ops are odd, and never 0. */
static __always_inline __u64 request_of(__u32 client, __u32 task)
{
	return (((__u64)client << 32 | task) + 1) << 1;
}

/* An entry for a task or a held op that has none; NULL, with the loss counted. */
static __noinline struct aod_index_entry *index_take(__u64 request)
{
	struct aod_index_entry *e = index_bucket(request), *found = NULL;

	if (lock(PLACES)) {
		for (int i = 0; i < PROBES; i++) {
			if (e[i].request)
				continue;
			e[i].at = NOWHERE;
			*(volatile __u64 *)&e[i].request = request;
			found = &e[i];
			break;
		}
		unlock(PLACES);
	}
	if (!found)
		count(&losses.index_full);
	return found;
}

/* Takes the ring's place from an op that is still open. Rare. */
static __noinline int overtake(__u32 position)
{
	struct aod_rpc_op *op = &ops[position & (RING - 1)];
	__u64 request = op->request;
	struct aod_index_entry *entry = index_find(request);
	__u32 base = RING + ((HASH(request) >> 32) & (AOD_RPC_OVERFLOW - PROBES));

	if (!entry)
		return 0;
	if (!lock(PLACES))
		goto full;
	for (__u32 i = 0; i < PROBES; i++) {
		struct aod_rpc_op *to = &ops[base + i];

		if (to->request)
			continue;
		*(volatile __u64 *)&to->seq_check = 0;
		__builtin_memcpy(to, op, __builtin_offsetof(struct aod_rpc_op, seq_check));
		to->flags |= AOD_RPC_F_OVERTAKEN;
		attempts[base + i] = attempts[position & (RING - 1)];
		*(volatile __u64 *)&to->seq_check = op->seq;
		entry->at = base + i;
		unlock(PLACES);
		return 0;
	}
	unlock(PLACES);
full:
	count(&losses.overflow_full);
	entry->request = 0;
	return 0;
}

#endif
