/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's half of nfs_rpc, compiled for user space: its memory is ours, its helpers are the few functions here. */
#ifndef AOD_TEST_RPC_KERNEL_H
#define AOD_TEST_RPC_KERNEL_H

#include <arpa/inet.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SEC(name)
#define __uint(name, value) int (*name)[value]
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#undef __noinline
#define __noinline __attribute__((noinline))
#define BPF_MAP_TYPE_RINGBUF 27

#define READ_2(p, a) ((p)->a)
#define READ_3(p, a, b) ((p)->a->b)
#define READ_4(p, a, b, c) ((p)->a->b->c)
#define READ_5(p, a, b, c, d) ((p)->a->b->c->d)
#define READ_N(p, a, b, c, d, which, ...) which
#define BPF_CORE_READ(...) READ_N(__VA_ARGS__, READ_5, READ_4, READ_3, READ_2, none)(__VA_ARGS__)
#define bpf_core_type_exists(type) (sizeof(type) > 0)
#define bpf_core_field_exists(type, field) false
#define bpf_core_field_offset(type, field) offsetof(type, field)
#define bpf_ntohl(x) ntohl(x)

struct task_struct;
static __u64 k_now, k_task = 1ull << 32 | 1;
static struct task_struct *k_current;

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

static inline struct task_struct *bpf_get_current_task_btf(void)
{
	return k_current;
}

static inline long bpf_probe_read_kernel(void *to, __u32 size, const void *from)
{
	memcpy(to, from, size);
	return 0;
}

static inline long bpf_probe_read_kernel_str(void *to, __u32 size, const void *from)
{
	if (!from)
		return -14;
	strncpy(to, from, size - 1);
	((char *)to)[size - 1] = 0;
	return strlen(to) + 1;
}

/* The ring buffer counts what comes and keeps the last; there is always room. */
static __u64 k_outliers;
static unsigned char k_last[1024];

static inline void *bpf_ringbuf_reserve(void *map, __u64 size, __u64 flags)
{
	return size <= sizeof(k_last) ? k_last : NULL;
}

static inline void bpf_ringbuf_submit(void *record, __u64 flags)
{
	k_outliers++;
}

static inline void bpf_ringbuf_discard(void *record, __u64 flags)
{
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wattributes"
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "nfs_types.h"
#include "nfs_rpc.h"
#include "histogram.h"
#include "nfs_args.h"
#include "nfs_rpc_maps.h"
#include "nfs_rpc_claim.h"
#include "nfs_rpc_targets.h"
#include "nfs_rpc_end.h"
#include "nfs_rpc_ops.h"
#pragma GCC diagnostic pop

#endif
