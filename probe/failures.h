/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of statuses that the kernel counts in; the same of smb_wire and nfs_rpc. A process has one. */
#ifndef AOD_PROBE_FAILURES_H
#define AOD_PROBE_FAILURES_H

#include "probe.h"

/* What has changed since the last tick; what `tell` has no room for is told with the next one. */
void failures_tick(const struct aod_failure_place *places, bool (*tell)(__u64 what, __u32 count));
__u64 failures_late(void); /* times that the differences of a status waited for a later tick */

/* A target gives its place up, and so do its statuses. */
void failures_forget(struct aod_failure_place *places, __u32 target);

/* As the programs do it, for what ends here; false when the table is full. */
bool failures_count(struct aod_failure_place *places, __u32 target, __u32 command, __u32 status);

static inline __u32 failure_target(__u64 what)
{
	return what >> 40;
}

static inline __u32 failure_command(__u64 what)
{
	return (what >> 32 & 0xff) - 1;
}

#endif
