// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include "wire.h"

/*
 * The kernel writes seq first and seq_check last. So: the last first, then all, then the first again; when all three are
 * the same number, no other request took the slot meanwhile. (Stores are seen in order on x86; acquire loads order ours.)
 */
bool record_read(const struct aod_smb_op *from, struct aod_smb_op *to)
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
