/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a failed RPC is counted; for the programs, and for what aod-probe ends itself. */
#ifndef AOD_RPC_FAILURE_H
#define AOD_RPC_FAILURE_H

#include "nfs_rpc.h"

/* The number that the kernel has for it, and whether it is the server's word: as rpcStatus() of src/nfs/status.ts takes it. */
static inline __u32 aod_rpc_failed_as(const struct aod_rpc_op *op)
{
	if (op->rpc_status)
		return -op->rpc_status;
	return -op->status | (op->flags & AOD_RPC_F_REPLIED ? AOD_RPC_ANSWER : 0);
}

/* Something was lost on its way: that is wanted whatever it ended with. */
static inline int aod_rpc_sent_again(const struct aod_rpc_op *op)
{
	return op->timeouts || op->transmissions > op->attempts;
}

#endif
