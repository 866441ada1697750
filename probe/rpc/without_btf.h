/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of rpc_trace share; the rest is that of nfs_rpc (rpc.h). */
#ifndef AOD_RPC_WITHOUT_BTF_H
#define AOD_RPC_WITHOUT_BTF_H

#include "rpc.h"
#include "rpc_trace.h"

/* layout.c: finds the fields of a hook's events in EVENTS/sunrpc/EVENT/format; false, with `why`, when one is missing. */
bool layout_find(const char *events, const char *hook, struct aod_rpc_layout *layout, char *why, size_t size);

/* numbers.c: the table of names. false: it is too small. */
bool numbers_fill(struct aod_rpc_number *numbers);

/* known.c: RPC clients that are there already; the number of those whose address was found. */
size_t known_fill(const char *clients, struct aod_rpc_known *known);

/* silent.c: gives up ops whose release was missed. */
void silent_sweep(__u64 now);

#endif
