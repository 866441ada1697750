// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table of statuses: the kernel counts in it, each tick tells the differences, a target that goes gives its places back. usage: failures */
#include "rpc-kernel.h"
#include "check.h"
#include "failures.h"

static __u32 ticked;

static bool take(__u64 what, __u32 count)
{
	ticked += count;
	return failure_target(what) != 99;
}

int main(void)
{
	const __u32 row = AOD_RPC_PROCEDURES + 3;
	const __u64 full = losses.failures_full;
	__u32 placed = 0;

	failure_told(5, row, 2);
	failures_tick(failures, take);
	CHECK_EQ("all since the begin", ticked, 1);
	failures_tick(failures, take);
	CHECK_EQ("once", ticked, 1);
	failure_told(5, row, 2);
	failures_tick(failures, take);
	CHECK_EQ("differences", ticked, 2);
	failure_told(99, row, 2);
	failures_tick(failures, take);
	CHECK_EQ("no room in the tick", failures_late(), 1);
	failures_tick(failures, take);
	CHECK_EQ("told again with the next", ticked, 4);
	failures_forget(failures, 99);
	failures_tick(failures, take);
	CHECK_EQ("forgotten", ticked, 4);

	for (int target = 1; target < 127; target++)
		for (int status = 1; status < 40; status++)
			failure_told(target, row, AOD_RPC_ANSWER | status);
	for (int i = 0; i < AOD_FAILURES; i++)
		placed += failures[i].what != 0;
	CHECK_EQ("much of the table is taken", placed > AOD_FAILURES / 2, 1);
	CHECK_EQ("a loss is counted", losses.failures_full > full, 1);
	for (int target = 0; target < 128; target++)
		failures_forget(failures, target);
	for (int i = 0; i < AOD_FAILURES; i++)
		CHECK_EQ("given back", failures[i].what, 0);
	ticked = 0;
	failure_told(5, row, 2);
	failures_tick(failures, take);
	CHECK_EQ("a place used again begins anew", ticked, 1);
	return 0;
}
