/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef AOD_HISTOGRAM_H
#define AOD_HISTOGRAM_H

#include "smb_wire.h" /* AOD_BUCKETS */

/* Log-linear, four buckets per octave, in units of 1.024 us; src/probe/histogram.ts is its inverse. */
static __always_inline __u32 aod_bucket_of(__u64 ns)
{
	__u64 unit = ns >> 10, x = unit;
	__u32 log = 0, bucket;

	if (x >> 32)
		return AOD_BUCKETS - 1;
	if (x >> 16) {
		log += 16;
		x >>= 16;
	}
	if (x >> 8) {
		log += 8;
		x >>= 8;
	}
	if (x >> 4) {
		log += 4;
		x >>= 4;
	}
	if (x >> 2) {
		log += 2;
		x >>= 2;
	}
	log += x >> 1;
	bucket = log < 2 ? unit : (log << 2 | ((unit >> (log - 2)) & 3)) - 4;
	return bucket & (AOD_BUCKETS - 1);
}

#endif
