/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Taking places in the memory of nfs_rpc, with atomic instructions that give a result (5.12). */
#ifndef AOD_NFS_RPC_CLAIM_H
#define AOD_NFS_RPC_CLAIM_H

#include "op_index_claim.h"

/* The ring is about to overwrite an op that is still open: keep it elsewhere. Rare. */
static __noinline int overtake(__u32 position)
{
	struct aod_rpc_op *op = &ops[position & (RING - 1)];
	__u64 request = op->request;
	struct aod_index_entry *entry = index_find(request);
	__u32 base = RING + ((HASH(request) >> 32) & (AOD_RPC_OVERFLOW - PROBES));

	if (!entry)
		return 0;
	for (__u32 i = 0; i < PROBES; i++) {
		struct aod_rpc_op *to = &ops[base + i];

		if (__sync_val_compare_and_swap(&to->request, 0, request))
			continue;
		*(volatile __u64 *)&to->seq_check = 0;
		__builtin_memcpy(to, op, __builtin_offsetof(struct aod_rpc_op, request));
		__builtin_memcpy(&to->created, &op->created,
				 __builtin_offsetof(struct aod_rpc_op, seq_check) - __builtin_offsetof(struct aod_rpc_op, created));
		to->flags |= AOD_RPC_F_OVERTAKEN;
		*(volatile __u64 *)&to->seq_check = op->seq;
		entry->at = base + i;
		return 0;
	}
	count(&losses.overflow_full);
	entry->request = 0;
	return 0;
}

#endif
