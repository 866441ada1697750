/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A lock made of atomic additions, for programs that must load on 5.10: its BPF has neither atomic instructions with a result nor spin locks here. */
#ifndef AOD_LOCK_H
#define AOD_LOCK_H

#define NUMBERS 0 /* the locks */
#define PLACES 1
#define SPINS 64 /* tries in one call of spin(), and calls in lock() */

__u32 locks[2];

/*
 * Who adds 1 and then reads 1 is alone; whoever comes meanwhile reads more and takes its 1 back. The programs run with preemption off, so a
 * holder is gone after a few instructions; a false return, when an interrupt or a hypervisor stopped it, is a loss that the caller counts.
 *
 * Not static: the verifier then looks at them once, and not at every place where they are called. Two, so that it has few steps to follow.
 */
__noinline int spin(__u32 which)
{
	__u32 *word = &locks[which & 1];

	for (int i = 0; i < SPINS; i++) {
		if (*(volatile __u32 *)word)
			continue;
		__sync_fetch_and_add(word, 1);
		if (*(volatile __u32 *)word == 1)
			return 1;
		__sync_fetch_and_add(word, -1);
	}
	return 0;
}

__noinline int lock(__u32 which)
{
	for (int i = 0; i < SPINS; i++)
		if (spin(which))
			return 1;
	return 0;
}

static __always_inline void unlock(__u32 which)
{
	__sync_fetch_and_add(&locks[which & 1], -1);
}

#endif
