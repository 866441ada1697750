/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The index that leads from the address of a request to its op: of `ops` and `request_index`, which the includer has, as it has OP_GHOST. */
#ifndef AOD_OP_INDEX_H
#define AOD_OP_INDEX_H

#include "tables.h"

#define PLACES_OF(array) (sizeof(array) / sizeof((array)[0]))

static __always_inline struct aod_index_entry *index_bucket(__u64 request)
{
	return &request_index[(HASH(request) >> 51) & (PLACES_OF(request_index) - PROBES)];
}

/* PROBES places, by hand: in a loop the programs of smb_wire come out otherwise. */
static __always_inline struct aod_index_entry *index_find(__u64 request)
{
	struct aod_index_entry *e = index_bucket(request);

	if (e[0].request == request)
		return &e[0];
	if (e[1].request == request)
		return &e[1];
	if (e[2].request == request)
		return &e[2];
	if (e[3].request == request)
		return &e[3];
	return NULL;
}

/* The compiler keeps the pointer, instead of computing it anew for each member. */
static __always_inline __typeof__(ops[0]) *op_pointer(__u64 at)
{
	__typeof__(ops[0]) *op = &ops[at];

	barrier_var(op);
	return op;
}

/* The record that an index entry leads to; NULL only if the entry was damaged. */
static __always_inline __typeof__(ops[0]) *op_at(__u64 at)
{
	if (at >= PLACES_OF(ops))
		return NULL;
	barrier_var(at); /* the verifier must see the check before the multiplication */
	return op_pointer(at);
}

#endif
