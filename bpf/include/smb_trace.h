/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What smb_trace and its half in aod-probe share beyond the contract of smb_wire. */
#ifndef AOD_SMB_TRACE_H
#define AOD_SMB_TRACE_H

#include "smb_wire.h"

#define AOD_TRACE_RECONNECTS 16 /* the newest are kept; power of two */
#define AOD_CIFSD_MANY (~0u)

struct aod_trace_reconnect {
	__u64 at;
	__u64 tid; /* of the connection's thread, cifsd */
};

struct aod_trace {
	struct aod_trace_reconnect reconnects[AOD_TRACE_RECONNECTS]; /* the n-th since the start at n modulo their number */
	__u32 cifsd[AOD_TARGETS]; /* the thread that took a target's answers; 0 = none seen yet, AOD_CIFSD_MANY = several channels */
};

#endif
