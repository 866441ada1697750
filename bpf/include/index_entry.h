/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef AOD_INDEX_ENTRY_H
#define AOD_INDEX_ENTRY_H

/* Key of an open request (its address, seen from our own memory) -> its record: position in the ring, or behind it in the overflow array. */
struct aod_index_entry {
	__u64 request;
	__u64 at;
};

#endif
