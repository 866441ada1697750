// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How often requests failed with which status: the kernel counts, each tick tells the differences. */
#include "wire.h"

static __u64 told[AOD_FAILURES]; /* as of the last tick */
static __u64 late;

__u64 failures_late(void)
{
	return late;
}

static struct aod_failure failure_at(const struct wire *wire, __u64 what, __u32 count)
{
	const struct aod_smb_target *t = &wire->targets[what >> 40 & (AOD_TARGETS - 1)];

	return (struct aod_failure){
		.connection = t->connection,
		.session = t->session,
		.tree = t->tree,
		.command = (what >> 32 & 0xff) - 1,
		.status = what,
		.count = count,
	};
}

/* To the open TICK frame; what finds no room there is told with the next one. */
void failures_tick(const struct wire *wire)
{
	for (__u32 i = 0; i < AOD_FAILURES; i++) {
		const __u64 what = wire->failures[i].what, count = wire->failures[i].count;
		struct aod_tick *tick = out_head();
		struct aod_failure failure;

		if (!what || count == told[i])
			continue;
		failure = failure_at(wire, what, count - told[i]);
		if (!out_add(&failure, sizeof(failure))) {
			late++;
			continue;
		}
		tick->failures++;
		told[i] = count;
	}
}

/* A target gives its place up, and so do its statuses. */
void failures_forget(const struct wire *wire, __u32 target)
{
	for (__u32 i = 0; i < AOD_FAILURES; i++) {
		struct aod_smb_failure *failure = &wire->failures[i];

		if (!failure->what || failure->what >> 40 != target)
			continue;
		told[i] = failure->count;
		__atomic_store_n(&failure->what, 0, __ATOMIC_RELEASE);
	}
}
