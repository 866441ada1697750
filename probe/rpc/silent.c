// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * An op whose attempt is over is released at once, or asks again within the time that the client sleeps (15 s). Of what does neither the release was
 * missed: it was in another thread than the end of the last attempt. It must not look like one that hangs. What was given up wrongly
 * is counted as unseen when it is counted.
 */
#include "without_btf.h"

#define SILENT_NS 120000000000ull

void silent_sweep(__u64 now)
{
	for (__u32 i = 0; i < AOD_RPC_INDEX; i++) {
		const struct aod_index_entry entry = rpc.index[i];
		__u64 request = entry.request;
		struct aod_rpc_op *op;

		if (!request || entry.at >= rpc.ring + AOD_RPC_OVERFLOW)
			continue;
		op = &rpc.ops[entry.at];
		if (op->request != request || op->state != AOD_RPC_ANSWERED || now < op->closed + SILENT_NS)
			continue;
		if (!__atomic_compare_exchange_n(&rpc.index[i].request, &request, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		op->request = 0;
		op->state = AOD_RPC_GHOST;
		__atomic_fetch_add(&rpc.losses->ghosts, 1, __ATOMIC_RELAXED);
	}
}
