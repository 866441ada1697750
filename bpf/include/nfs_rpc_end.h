/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The end of an op, for nfs_rpc and rpc_trace: counted, handed over, or held until the caller comes again. */
#ifndef AOD_NFS_RPC_END_H
#define AOD_NFS_RPC_END_H

#include "failures.h"
#include "rpc_failure.h"

/*
 * Under which a held op is found by the task that goes on with it: odd, as no address of a task is, and different for every thread.
 */
static __always_inline __u64 held_key(__u64 pid_tgid)
{
	return pid_tgid << 1 | 1;
}

static __always_inline void emit(const struct aod_rpc_op *op)
{
	struct aod_rpc_op *copy = bpf_ringbuf_reserve(&outliers, sizeof(*copy), 0);

	if (!copy) {
		count(&losses.ringbuf_full);
		return;
	}
	__builtin_memcpy(copy, op, sizeof(*copy));
	bpf_ringbuf_submit(copy, 0);
}

/* The op is over and counted. True when it is an outlier, which the caller emits. */
static __always_inline bool op_finish(struct aod_index_entry *entry, struct aod_rpc_op *op)
{
	const __u32 procedure = procedure_of(op->procedure), row = row_of(op->version, op->procedure);
	const __u32 at = op->slot * AOD_RPC_PROCEDURES + procedure;
	const bool error = op->status < 0;
	bool told = false;
	struct aod_rpc_stats *s;
	__u64 latency;

	if (!op->closed)
		op->closed = bpf_ktime_get_ns();
	op->state = op->flags & AOD_RPC_F_STATUS ? AOD_RPC_CLOSED : AOD_RPC_UNSENT;
	op->request = 0;
	entry->request = 0;
	if (op->state == AOD_RPC_UNSENT)
		return false;

	latency = op->closed - op->created;
	if (at < TARGETS * AOD_RPC_PROCEDURES) {
		s = &stats[at];
		count(&s->count);
		__sync_fetch_and_add(&s->attempts, op->attempts);
		__sync_fetch_and_add(&s->transmissions, op->transmissions);
		__sync_fetch_and_add(&s->buckets[aod_bucket_of(latency)], 1);
		if (error)
			count(&s->errors);
	}
	if (error)
		told = failure_told(op->slot, row, aod_rpc_failed_as(op)) || aod_rpc_sent_again(op);
	return row < 2 * AOD_RPC_PROCEDURES && (latency >= tunables.slow_ns[row] || (told && tunables.errors[row]));
}

/* The client sleeps on these and then makes a new task; kernel workers' tasks are restarted instead. */
static __always_inline bool comes_again(const struct aod_rpc_op *op)
{
	if ((op->flags & AOD_RPC_F_ASYNC) && (op->flags & AOD_RPC_F_WORKER))
		return false;
	if (!(op->flags & AOD_RPC_F_STATUS))
		return false;
	return op->status == -NFS4ERR_DELAY || op->status == -NFS4ERR_GRACE || op->status == -NFS4ERR_RETRY_UNCACHED_REP ||
	       op->status == -EJUKEBOX;
}

#endif
