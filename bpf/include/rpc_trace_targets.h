/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* RPC clients by their number: which server they go to is told when they are made, which mount is theirs by what is read and written. */
#ifndef AOD_RPC_TRACE_TARGETS_H
#define AOD_RPC_TRACE_TARGETS_H

static __always_inline struct aod_rpc_known *known_of(__u64 key)
{
	for (__u32 i = 0; i < AOD_RPC_TARGET_PROBES; i++) {
		struct aod_rpc_known *k = &known[((HASH(key) >> 57) + i) & (TARGETS - 1)];

		if (k->key == key)
			return k;
	}
	return NULL;
}

/* The place of a client, taken if need be; 0, with the loss counted, when there is no room. */
__noinline __u32 target_of(__u32 client)
{
	const __u64 key = (__u64)client + 1;
	struct aod_rpc_known *before = NULL;
	bool locked = false, mine = false;
	__u32 at = 0;

	for (__u32 i = 0; i < PROBES; i++) {
		at = ((HASH(key) >> 57) + i) & (TARGETS - 1);
		if (targets[at].key == key)
			return at;
	}
	locked = lock(PLACES);
	for (__u32 i = 0; i < PROBES && locked && !mine; i++) {
		at = ((HASH(key) >> 57) + i) & (TARGETS - 1);
		if (targets[at].key == key) {
			unlock(PLACES);
			return at;
		}
		if (!at || targets[at].key)
			continue;
		mine = true;
		targets[at].client = client;
		targets[at].parent = AOD_RPC_UNKNOWN;
		targets[at].version = 0;
		targets[at].minor = 0;
		targets[at].device = 0;
		targets[at].server[0] = 0;
		before = known_of(key);
		if (before)
			__builtin_memcpy(targets[at].address, before->address, sizeof(before->address));
		else
			targets[at].address[0] = 0;
		devices[at] = 0;
		target_ids++;
		targets[at].id = target_ids;
		*(volatile __u64 *)&targets[at].key = key;
	}
	if (locked)
		unlock(PLACES);
	if (mine)
		return at;
	count(&losses.targets_full);
	return 0;
}

/* The client is no more: its number may soon be another's. */
static __always_inline void target_gone(__u32 client)
{
	const __u64 key = (__u64)client + 1;
	struct aod_rpc_known *before = known_of(key);

	if (before)
		before->key = 0;
	for (__u32 i = 0; i < PROBES; i++) {
		struct aod_rpc_target *t = &targets[((HASH(key) >> 57) + i) & (TARGETS - 1)];

		if (t->key == key) {
			t->key = 0;
			t->id = 0;
		}
	}
}

/* A mount's client reads and writes on one device alone. Others (the data servers of pNFS) serve several. */
static __always_inline void target_learn(struct aod_rpc_target *t, __u32 slot, __u32 device)
{
	__u32 *known = &devices[slot & (TARGETS - 1)];

	if (!*known)
		*known = t->device = device;
	else if (*known != device)
		*known = AOD_RPC_UNKNOWN, t->device = 0;
}

#endif
