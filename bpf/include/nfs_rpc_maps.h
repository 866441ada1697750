/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The memory of nfs_rpc: arrays that aod-probe maps by section name, and the few ways to find a place in them. */
#ifndef AOD_NFS_RPC_MAPS_H
#define AOD_NFS_RPC_MAPS_H

#ifndef RING /* rpc_trace has less */
#define RING AOD_RPC_RING
#define TARGETS AOD_RPC_TARGETS
#endif

struct aod_rpc_op ops[RING + AOD_RPC_OVERFLOW] SEC(".bss.ops");
struct aod_rpc_index_entry request_index[AOD_RPC_INDEX] SEC(".bss.index");
struct aod_rpc_target targets[TARGETS] SEC(".bss.targets");
struct aod_rpc_stats stats[TARGETS * AOD_RPC_PROCEDURES] SEC(".bss.stats");
char procedures[2 * AOD_RPC_PROCEDURES][24] SEC(".bss.names");
struct aod_rpc_losses losses SEC(".bss.losses");
__u64 head SEC(".bss.head");
__u32 target_ids SEC(".bss.ids");
struct aod_rpc_tunables tunables SEC(".data.tunables") = { .paths = 1 };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} outliers SEC(".maps");

#ifndef barrier_var
#define barrier_var(v) asm volatile("" : "+r"(v))
#endif

#define PROBES 4 /* places looked at before a table counts as full: one cache line of the index */
#define HASH(x) ((x) * 0x9e3779b97f4a7c15ull)

static __always_inline void count(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

static __always_inline __u32 procedure_of(__u32 procedure)
{
	return procedure < AOD_RPC_PROCEDURES - 1 ? procedure : AOD_RPC_PROCEDURES - 1;
}

/* Where a procedure stands in what is kept by (protocol, procedure). */
static __always_inline __u32 row_of(__u32 version, __u32 procedure)
{
	return (version == 4 ? AOD_RPC_PROCEDURES : 0) + procedure_of(procedure);
}

static __always_inline struct aod_rpc_index_entry *index_bucket(__u64 request)
{
	return &request_index[(HASH(request) >> 51) & (AOD_RPC_INDEX - PROBES)];
}

static __always_inline struct aod_rpc_index_entry *index_find(__u64 request)
{
	struct aod_rpc_index_entry *e = index_bucket(request);

	for (int i = 0; i < PROBES; i++)
		if (e[i].request == request)
			return &e[i];
	return NULL;
}

/* The compiler keeps the pointer, instead of computing it anew for each member. */
static __always_inline struct aod_rpc_op *op_pointer(__u64 at)
{
	struct aod_rpc_op *op = &ops[at];

	barrier_var(op);
	return op;
}

/* The record that an index entry leads to; NULL only if the entry was damaged. */
static __always_inline struct aod_rpc_op *op_at(__u64 at)
{
	if (at >= RING + AOD_RPC_OVERFLOW)
		return NULL;
	barrier_var(at); /* the verifier must see the check before the multiplication */
	return op_pointer(at);
}

#endif
