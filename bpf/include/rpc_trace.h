/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What rpc_trace and its half in aod-probe share beyond the contract of nfs_rpc. */
#ifndef AOD_RPC_TRACE_H
#define AOD_RPC_TRACE_H

#include "nfs_rpc.h"

/* 5.10 has no map whose value is larger than 4 MiB */
#define AOD_RPC_TRACE_RING 8192
#define AOD_RPC_TRACE_TARGETS 64

#define AOD_RPC_UNKNOWN (~0u) /* parent of a target: nobody tells it */
#define AOD_RPC_NAMES 256     /* places for names of procedures; power of two */
#define AOD_RPC_NAME_PROBES 8

/*
 * Where a field stands in the record of its trace point, as tracefs says it on the running kernel: aod-probe finds them all before it
 * loads the programs (probe/rpc/layout.c). Every event that is not named otherwise begins with its client and its task.
 */
enum aod_rpc_at {
	AT_BEGIN_CLIENT, AT_BEGIN_TASK, AT_BEGIN_FLAGS,
	AT_REQUEST_CLIENT, AT_REQUEST_TASK, AT_REQUEST_VERSION, AT_REQUEST_PROGRAM, AT_REQUEST_PROCEDURE,
	AT_SEND_CLIENT, AT_SEND_TASK,
	AT_SENT_CLIENT, AT_SENT_TASK, AT_SENT_STATUS,
	AT_TIMEOUT_CLIENT, AT_TIMEOUT_TASK,
	AT_ERROR_CLIENT, AT_ERROR_TASK, AT_ERROR_STATUS,
	AT_END_CLIENT, AT_END_TASK, AT_END_STATUS,
	AT_LATENCY_CLIENT, AT_LATENCY_TASK, AT_LATENCY_XID, AT_LATENCY_PROGRAM, AT_LATENCY_PROCEDURE, AT_LATENCY_BACKLOG, AT_LATENCY_RTT,
	AT_LATENCY_EXECUTE,
	AT_NEW_CLIENT, AT_NEW_PROGRAM, AT_NEW_SERVER, AT_NEW_ADDRESS,
	AT_FREE_CLIENT,
	/* of the module nfs: what READ, WRITE and COMMIT are about */
	AT_READ_DEVICE, AT_READ_INODE, AT_READ_OFFSET, AT_READ_COUNT,
	AT_WRITE_DEVICE, AT_WRITE_INODE, AT_WRITE_OFFSET, AT_WRITE_COUNT,
	AT_COMMIT_DEVICE, AT_COMMIT_INODE, AT_COMMIT_OFFSET, AT_COMMIT_COUNT,
	AOD_RPC_FIELDS,
};

struct aod_rpc_layout {
	__u16 at[AOD_RPC_FIELDS];
};

/* A procedure's name and its number (p_statidx): the trace points tell the name alone. */
struct aod_rpc_number {
	union {
		char text[24];
		__u64 words[3];
	};
	__u32 version; /* 3 or 4; 0 = free */
	__u32 number;
};

/* An RPC client that was there before the probe, and where it goes; at the place that its target has, or will have. */
struct aod_rpc_known {
	__u64 key; /* of the target; 0 = free */
	char address[48];
};

#define AOD_RPC_TARGET_PROBES 4

static inline __u32 aod_rpc_name_place(const __u64 words[3], __u32 version)
{
	const __u64 mixed = words[0] ^ words[1] * 0x9e3779b97f4a7c15ull ^ words[2] * 0xc2b2ae3d27d4eb4full ^ version;

	return (mixed * 0x9e3779b97f4a7c15ull) >> 40;
}

#endif
