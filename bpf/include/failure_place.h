/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of what ended with which status: the kernel counts in it (failures.h), aod-probe tells the differences of each tick. */
#ifndef AOD_FAILURE_PLACE_H
#define AOD_FAILURE_PLACE_H

#define AOD_FAILURES 1024 /* (target, command, status); power of two */
#define AOD_TOLD 1024     /* bits for statuses; power of two */

/* The count wraps; readers take differences. */
struct aod_failure_place {
	__u64 what; /* AOD_FAILURE_OF(); 0 = free */
	__u64 count;
};

#define AOD_FAILURE_OF(target, command, status) ((target) << 40 | ((command) + 1) << 32 | (status))
#define AOD_TOLD_BIT(status) ((__u32)((status) * 0x9e3779b1u) >> 22)

#endif
