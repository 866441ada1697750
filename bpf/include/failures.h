/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Answers that are no success: how often each came, per target and command, and whether user space wants to hear of it. Of `failures`,
 * `losses` and `tunables`, which the includer has.
 */
#ifndef AOD_FAILURES_H
#define AOD_FAILURES_H

#include "tables.h"

#ifdef AOD_LOCK_H /* programs that must load on 5.10 */
static __always_inline bool failure_claim(__u32 at, __u64 what)
{
	if (failures[at].what || !lock(PLACES))
		return false;
	if (!failures[at].what)
		*(volatile __u64 *)&failures[at].what = what;
	unlock(PLACES);
	return failures[at].what == what;
}
#else
static __always_inline bool failure_claim(__u32 at, __u64 what)
{
	return !failures[at].what && !__sync_val_compare_and_swap(&failures[at].what, 0, what);
}
#endif

/* Not static, and with numbers alone: the verifier looks at it once, and not at every place where it is called. */
__noinline int failure_told(__u32 target, __u32 command, __u32 status)
{
	const __u64 what = AOD_FAILURE_OF((__u64)target, (__u64)command, status);
	const __u32 first = (HASH(what) >> 54) & (AOD_FAILURES - PROBES), bit = AOD_TOLD_BIT(status);
	__u32 i;

	for (i = 0; i < PROBES; i++) {
		const __u32 at = (first + i) & (AOD_FAILURES - 1);

		if (failures[at].what != what && !failure_claim(at, what))
			continue;
		count(&failures[at].count);
		break;
	}
	if (i == PROBES)
		count(&losses.failures_full);
	return tunables.told[bit >> 5] >> (bit & 31) & 1;
}

#endif
