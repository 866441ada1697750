// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sessions come and go for months: once a quarter of the places is taken, targets that nobody uses give theirs back. Not later, for a target is looked for
 * at four places alone: of a table that is half full one in twenty finds no room. It costs nothing to come again, for what was counted has been told.
 */
#include "wire.h"

#define PLENTY (AOD_TARGETS / 4)
#define IDLE_TICKS 120 /* without ops this long: a minute of the daemon's */

static __u16 idle[AOD_TARGETS];

void targets_seen(__u32 target, bool busy)
{
	idle[target] = busy ? 0 : idle[target] + (idle[target] < IDLE_TICKS);
}

void targets_recycle(const struct wire *wire)
{
	__u32 used = 0;

	for (__u32 i = 1; i < AOD_TARGETS; i++)
		used += wire->targets[i].key != 0;
	if (used < PLENTY)
		return;
	for (__u32 i = 0; i < wire_places(); i++) {
		const struct aod_index_entry entry = wire_place(i);

		if (entry.request && entry.at < AOD_RING + AOD_OVERFLOW)
			idle[wire->ops[entry.at].target & (AOD_TARGETS - 1)] = 0;
	}
	for (__u32 i = 1; i < AOD_TARGETS; i++) {
		if (!wire->targets[i].key || idle[i] < IDLE_TICKS)
			continue;
		failures_forget(wire->failures, i);
		wire->targets[i].connection = wire->targets[i].session = 0;
		__atomic_store_n(&wire->targets[i].key, 0, __ATOMIC_RELEASE);
		idle[i] = 0;
	}
}
