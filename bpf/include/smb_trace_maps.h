/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The memory of smb_trace: the same sections as those of smb_wire, as far as it needs them, and two hash maps that lead to a request.
 *
 * It must load on 5.10, whose BPF has neither an atomic instruction that gives a result (5.12) nor spin locks in programs like these. What
 * has to be unique comes from a lock made of atomic additions; what has to happen once, from the kernel's own hash maps.
 */
#ifndef AOD_SMB_TRACE_MAPS_H
#define AOD_SMB_TRACE_MAPS_H

struct aod_smb_op ops[AOD_RING + AOD_OVERFLOW] SEC(".bss.ops");
struct aod_smb_target targets[AOD_TARGETS] SEC(".bss.targets");
struct aod_smb_stats stats[AOD_TARGETS * AOD_COMMANDS] SEC(".bss.stats");
struct aod_failure_place failures[AOD_FAILURES] SEC(".bss.failures");
struct aod_smb_losses losses SEC(".bss.losses");
struct aod_smb_events events SEC(".bss.events");
struct aod_trace trace SEC(".bss.trace");
__u64 head SEC(".bss.head");
struct aod_smb_tunables tunables SEC(".data.tunables") = { .error_commands = 0 };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} outliers SEC(".maps");

/* A READ or WRITE: its answer is taken by another task than the one that asked. */
struct data_key {
	__u64 session;
	__u64 mid;
	__u32 command;
	__u32 nth; /* 1: the channels of a session count their messages independently, and both are there */
};

/* As many as there are records: what leads to a record is deleted before the record is used again, so there is always room. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, AOD_RING + AOD_OVERFLOW);
	__type(key, struct data_key);
	__type(value, __u64);
} data SEC(".maps");

#define MAX_CHAIN 12 /* members of a compound; the client's MAX_COMPOUND is 5 (6.1) or 10 */

/* The newest call of a task that waits for its answers: one request, or a compound. */
struct call {
	__u64 switches; /* how often the task had slept when the call began */
	__u64 session;
	__u64 last;     /* the message id of the newest member */
	__u64 seq[MAX_CHAIN];
	__u64 mid[MAX_CHAIN];
	__u32 n;
	__u32 ended; /* bit per member */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, AOD_TASKS);
	__type(key, __u32);
	__type(value, struct call);
} calls SEC(".maps");

#include "tables.h"

#endif
