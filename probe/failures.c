// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How often requests failed with which status: the kernel counts (bpf/include/failures.h), each tick tells the differences. */
#include "failures.h"

#define PROBES 4 /* of tables.h */
#define HASH(x) ((x) * 0x9e3779b97f4a7c15ull)

static __u64 told[AOD_FAILURES]; /* as of the last tick */
static __u64 late;

__u64 failures_late(void)
{
	return late;
}

void failures_tick(const struct aod_failure_place *places, bool (*tell)(__u64 what, __u32 count))
{
	for (__u32 i = 0; i < AOD_FAILURES; i++) {
		const __u64 what = places[i].what, count = places[i].count;

		if (!what || count == told[i])
			continue;
		if (tell(what, count - told[i]))
			told[i] = count;
		else
			late++;
	}
}

void failures_forget(struct aod_failure_place *places, __u32 target)
{
	for (__u32 i = 0; i < AOD_FAILURES; i++) {
		if (!places[i].what || places[i].what >> 40 != target)
			continue;
		told[i] = places[i].count;
		__atomic_store_n(&places[i].what, 0, __ATOMIC_RELEASE);
	}
}

bool failures_count(struct aod_failure_place *places, __u32 target, __u32 command, __u32 status)
{
	const __u64 what = AOD_FAILURE_OF((__u64)target, (__u64)command, status);
	const __u32 first = (HASH(what) >> 54) & (AOD_FAILURES - PROBES);

	for (__u32 i = first; i < first + PROBES; i++) {
		__u64 free = 0;

		if (places[i].what != what && !__atomic_compare_exchange_n(&places[i].what, &free, what, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		__atomic_fetch_add(&places[i].count, 1, __ATOMIC_RELAXED);
		return true;
	}
	return false;
}
