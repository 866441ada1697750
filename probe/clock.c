// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <time.h>
#include "probe.h"

__u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}
