// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include "rpc.h"

/* As record_read() of the SMB wire probe: seq is written first and seq_check last. */
bool rpc_record_read(const struct aod_rpc_op *from, struct aod_rpc_op *to)
{
	__u64 check = __atomic_load_n(&from->seq_check, __ATOMIC_ACQUIRE);

	if (!check)
		return false;
	memcpy(to, (const void *)from, sizeof(*to));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&from->seq, __ATOMIC_ACQUIRE) != check || to->seq != check)
		return false;
	to->seq_check = check;
	return true;
}

bool rpc_record_add(struct aod_rpc_op *op)
{
	op->request = 0; /* a kernel address */
	return out_add(op, sizeof(*op));
}

__u64 rpc_oldest(__u64 head)
{
	return head > rpc.ring ? head - rpc.ring + 1 : head ? 1 : 0;
}
