/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs' tables have in common: how a place is looked for, and how a loss is counted. */
#ifndef AOD_TABLES_H
#define AOD_TABLES_H

#ifndef barrier_var
#define barrier_var(v) asm volatile("" : "+r"(v))
#endif

#define PROBES 4 /* places looked at before a table counts as full: one cache line of the index */
#define HASH(x) ((x) * 0x9e3779b97f4a7c15ull)

static __always_inline void count(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

#endif
