// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Mounts that come and go: their targets find a place, whatever others have left behind. usage: targets */
#include "kernel.h"
#include "check.h"
#include "wire/wire.h"

static struct wire own = { .ops = ops, .index = request_index, .targets = targets, .failures = failures };

__u32 wire_places(void)
{
	return AOD_INDEX;
}

struct aod_index_entry wire_place(__u32 i)
{
	return own.index[i];
}

/* `count` ticks in which nobody but `busy` has any ops. */
static void ticks(int count, __u32 busy)
{
	while (count--) {
		for (__u32 i = 0; i < AOD_TARGETS; i++)
			targets_seen(i, i == busy);
		targets_recycle(&own);
	}
}

static __u32 taken(void)
{
	__u32 n = 0;

	for (__u32 i = 1; i < AOD_TARGETS; i++)
		n += targets[i].key != 0;
	return n;
}

int main(void)
{
	__u32 busy, open;

	/* few: nothing is scarce */
	for (__u64 i = 1; i < 20; i++)
		target_of(i, 0, 1);
	ticks(1000, 0);
	CHECK_EQ("few stay", taken(), 19);

	/* a new target a second for an hour, each used once; one that is in use all the while, and one whose request hangs */
	busy = target_of(1, 0, 1);
	open = target_of(2, 0, 1);
	own.index[3] = (struct aod_index_entry){ .request = 77, .at = 5 };
	ops[5].target = open;
	for (__u64 i = 0; i < 3600; i++) {
		failure_told(target_of(100 + i, i << 20, 5), 5, 2);
		ticks(1, busy);
	}
	CHECK_EQ("is in use", targets[busy].connection, 1);
	CHECK_EQ("has a request in flight", targets[open].connection, 2);
	CHECK_EQ("all but a few found a place", losses.targets_full < 3600 / 50, 1);
	ticks(100, busy);
	CHECK_EQ("there is plenty again", taken() < AOD_TARGETS / 4, 1);
	for (__u32 i = 0; i < AOD_FAILURES; i++)
		if (failures[i].what)
			CHECK_EQ("statuses have gone with their targets", targets[failure_target(failures[i].what)].key != 0, 1);
	CHECK_EQ("statuses of all have found room", losses.failures_full, 0);
	return 0;
}
