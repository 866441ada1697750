/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The number of an op where no atomic instruction gives a result: from `head`, under the lock. */
#ifndef AOD_OP_NUMBER_H
#define AOD_OP_NUMBER_H

#include "lock.h"
#include "tables.h"

/* From 1; 0, with the loss counted. */
static __always_inline __u64 next_number(void)
{
	__u64 seq;

	if (!lock(NUMBERS)) {
		count(&losses.index_full);
		return 0;
	}
	seq = *(volatile __u64 *)&head + 1;
	*(volatile __u64 *)&head = seq;
	unlock(NUMBERS);
	return seq;
}

#endif
