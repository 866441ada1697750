// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * An op that the server asked to come again with waits for the caller's next task. The client sleeps 15 s at most (NFS4_POLL_RETRY_MAX; 5 s for
 * NFS3ERR_JUKEBOX): what has not gone on long after that was given up, by a signal above all, and is over with what it got.
 */
#include <string.h>
#include "rpc.h"
#include "rpc_failure.h"

#define GIVEN_UP 30000000000ull

static __u32 bucket_of(__u64 ns)
{
	__u64 unit = ns >> 10;
	__u32 log;

	if (unit >> 32)
		return AOD_RPC_BUCKETS - 1;
	if (unit < 4)
		return unit;
	log = 63 - __builtin_clzll(unit);
	return ((log << 2) | ((unit >> (log - 2)) & 3)) - 4;
}

static bool told(__u32 status)
{
	const __u32 bit = AOD_TOLD_BIT(status);

	return rpc.tunables->told[bit >> 5] >> (bit & 31) & 1;
}

static void end(struct aod_rpc_op *op)
{
	const __u32 procedure = op->procedure < AOD_RPC_PROCEDURES - 1 ? op->procedure : AOD_RPC_PROCEDURES - 1;
	const __u32 row = (op->version == 4 ? AOD_RPC_PROCEDURES : 0) + procedure;
	const __u32 slot = op->slot % rpc.slots, status = aod_rpc_failed_as(op);
	const __u64 latency = op->closed - op->created;
	struct aod_rpc_stats *s = &rpc.stats[slot * AOD_RPC_PROCEDURES + procedure];

	op->request = 0;
	op->state = AOD_RPC_CLOSED;
	__atomic_fetch_add(&s->count, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&s->errors, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&s->attempts, op->attempts, __ATOMIC_RELAXED);
	__atomic_fetch_add(&s->transmissions, op->transmissions, __ATOMIC_RELAXED);
	__atomic_fetch_add(&s->buckets[bucket_of(latency)], 1, __ATOMIC_RELAXED);
	if (!failures_count(rpc.failures, slot, row, status))
		__atomic_fetch_add(&rpc.losses->failures_full, 1, __ATOMIC_RELAXED);
	if (latency >= rpc.tunables->slow_ns[row] || (rpc.tunables->errors[row] && (told(status) || aod_rpc_sent_again(op))))
		rpc_emit_outlier(op);
}

void rpc_end_held(__u64 now)
{
	for (__u32 i = 0; i < AOD_RPC_INDEX; i++) {
		__u64 request = rpc.index[i].request;
		struct aod_rpc_op *op;

		/* the keys of held ops are odd */
		if (!(request & 1) || rpc.index[i].at >= rpc.ring + AOD_RPC_OVERFLOW)
			continue;
		op = &rpc.ops[rpc.index[i].at];
		if (op->request != request || op->state != AOD_RPC_HELD || now < op->closed + GIVEN_UP)
			continue;
		if (__atomic_compare_exchange_n(&rpc.index[i].request, &request, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			end(op);
	}
	rpc_outliers_done();
}
