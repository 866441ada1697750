/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The memory of nfs_rpc: arrays that aod-probe maps by section name, and the few ways to find a place in them. */
#ifndef AOD_NFS_RPC_MAPS_H
#define AOD_NFS_RPC_MAPS_H

#ifndef RING /* rpc_trace has less */
#define RING AOD_RPC_RING
#define TARGETS AOD_RPC_TARGETS
#endif

struct aod_rpc_op ops[RING + AOD_RPC_OVERFLOW] SEC(".bss.ops");
struct aod_index_entry request_index[AOD_RPC_INDEX] SEC(".bss.index");
struct aod_rpc_target targets[TARGETS] SEC(".bss.targets");
struct aod_rpc_stats stats[TARGETS * AOD_RPC_PROCEDURES] SEC(".bss.stats");
char procedures[2 * AOD_RPC_PROCEDURES][24] SEC(".bss.names");
struct aod_failure_place failures[AOD_FAILURES] SEC(".bss.failures");
struct aod_rpc_losses losses SEC(".bss.losses");
__u64 head SEC(".bss.head");
__u32 target_ids SEC(".bss.ids");
struct aod_rpc_tunables tunables SEC(".data.tunables") = { .paths = 1 };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} outliers SEC(".maps");

#define OP_GHOST AOD_RPC_GHOST
#include "op_index.h"

static __always_inline __u32 procedure_of(__u32 procedure)
{
	return procedure < AOD_RPC_PROCEDURES - 1 ? procedure : AOD_RPC_PROCEDURES - 1;
}

/* Where a procedure stands in what is kept by (protocol, procedure). */
static __always_inline __u32 row_of(__u32 version, __u32 procedure)
{
	return (version == 4 ? AOD_RPC_PROCEDURES : 0) + procedure_of(procedure);
}

#endif
