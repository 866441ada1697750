/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of smb_trace share; the rest is that of smb_wire (../wire). */
#ifndef AOD_TRACE_H
#define AOD_TRACE_H

#include "../wire/wire.h"
#include "smb_trace.h"

extern struct aod_trace *trace_memory;

/* waiting.c: does this task still wait in the kernel? */
enum waiting {
	WAITING_YES,
	WAITING_NO,
	WAITING_GONE,
	WAITING_UNKNOWN,
};

bool waiting_init(const char *proc); /* false: tasks have other numbers here, or cannot be looked at */
enum waiting waiting_of(__u32 tgid, __u32 tid);

/* abandoned.c: at a tick, gives up the requests that nobody waits for any more, since no trace point tells. */
void abandoned_sweep(__u64 now);

#endif
