/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's half of smb_wire, compiled for user space: its memory is ours, its helpers are the few functions here. */
#ifndef AOD_TEST_KERNEL_H
#define AOD_TEST_KERNEL_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SEC(name)
#define __uint(name, value) int (*name)[value]
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#undef __noinline
#define __noinline __attribute__((noinline))
#define BPF_MAP_TYPE_RINGBUF 27

/* What the driver sets: the time, the task that runs. */
static __u64 k_now, k_task = 1ull << 32 | 1;

static inline __u64 bpf_ktime_get_ns(void)
{
	return k_now;
}

static inline __u64 bpf_get_current_pid_tgid(void)
{
	return k_task;
}

static inline __u64 bpf_get_current_uid_gid(void)
{
	return 1000ull << 32 | 1000;
}

static inline __u64 bpf_get_current_cgroup_id(void)
{
	return 7;
}

static inline long bpf_probe_read_kernel(void *to, __u32 size, const void *from)
{
	memcpy(to, from, size);
	return 0;
}

/* The ring buffer counts what comes and forgets it; there is always room. */
static __u64 k_outliers;

static inline void *bpf_ringbuf_reserve(void *map, __u64 size, __u64 flags)
{
	(void)map;
	(void)flags;
	return malloc(size);
}

static inline void bpf_ringbuf_submit(void *record, __u64 flags)
{
	(void)flags;
	k_outliers++;
	free(record);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wattributes"
#include "cifs_types.h"
#include "smb_wire.h"
#define knobs loaded_knobs
#include "smb_wire_maps.h"
#undef knobs
static struct aod_smb_knobs knobs = { .send = 1, .credits = 1 };
#include "smb_wire_phases.h"
#pragma GCC diagnostic pop

#endif
