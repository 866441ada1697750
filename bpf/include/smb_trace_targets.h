/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Targets, by session and tree, and the thread that takes the answers of each. */
#ifndef AOD_SMB_TRACE_TARGETS_H
#define AOD_SMB_TRACE_TARGETS_H

/* The index of a target; 0, with the loss counted, when there is no room. Without a session there is nothing to tell targets by. */
__noinline int target_of(__u64 session, __u32 tree)
{
	__u64 key = HASH(HASH(session) + tree) | 1;
	bool mine = false;
	__u32 at;

	if (!session)
		return 0;
	for (__u32 i = 0; i < PROBES; i++) {
		at = ((key >> 56) + i) & (AOD_TARGETS - 1);
		if (targets[at].key == key)
			return at;
		if (!at || targets[at].key || !lock(PLACES))
			continue;
		mine = !targets[at].key;
		if (mine) {
			targets[at].session = session;
			targets[at].tree = tree;
			trace.cifsd[at] = 0;
			*(volatile __u64 *)&targets[at].key = key;
		}
		unlock(PLACES);
		if (mine || targets[at].key == key)
			return at;
	}
	count(&losses.targets_full);
	return 0;
}

/* Which thread takes the answers of a target: a reconnect is told by that thread alone. */
static __always_inline void learn_cifsd(__u32 target, __u32 tid)
{
	__u32 known = trace.cifsd[target & (AOD_TARGETS - 1)];
	char comm[16];

	if (known == tid || known == AOD_CIFSD_MANY || bpf_get_current_comm(comm, sizeof(comm)))
		return;
	if (comm[0] != 'c' || comm[1] != 'i' || comm[2] != 'f' || comm[3] != 's' || comm[4] != 'd')
		return;
	trace.cifsd[target & (AOD_TARGETS - 1)] = known ? AOD_CIFSD_MANY : tid;
}

#endif
