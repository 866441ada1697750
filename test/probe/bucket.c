// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Numbers of ns on stdin; for each the bucket that the kernel and the helper put it into. */
#include <stdio.h>
#include "kernel.h"

__u32 phases_bucket(__u64 ns);

int main(void)
{
	unsigned long long ns;

	while (scanf("%llu", &ns) == 1)
		printf("%u %u\n", aod_bucket_of(ns), phases_bucket(ns));
	return 0;
}
