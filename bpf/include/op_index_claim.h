/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Taking an entry of the index, with an atomic instruction that gives a result (5.12). */
#ifndef AOD_OP_INDEX_CLAIM_H
#define AOD_OP_INDEX_CLAIM_H

#include "op_index.h"

/* An entry for a new request. The same pointer still being there means that its release was missed (a program run lost to recursion). */
static __always_inline struct aod_index_entry *index_claim(__u64 request)
{
	struct aod_index_entry *e = index_find(request);

	if (e) {
		__typeof__(ops[0]) *ghost = op_at(e->at);

		if (ghost && ghost->request == request) {
			ghost->state = OP_GHOST;
			ghost->request = 0;
		}
		count(&losses.ghosts);
		return e;
	}
	e = index_bucket(request);
	for (int i = 0; i < PROBES; i++)
		if (!e[i].request && !__sync_val_compare_and_swap(&e[i].request, 0, request))
			return &e[i];
	return NULL;
}

#endif
