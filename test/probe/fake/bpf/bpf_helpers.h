/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The helpers that bpf/smb_trace.bpf.c and bpf/rpc_trace.bpf.c call, for user space: the driver says what time it is and which task runs. */
#ifndef AOD_TEST_BPF_HELPERS_H
#define AOD_TEST_BPF_HELPERS_H

#include <linux/types.h>
#include <stdlib.h>
#include <string.h>

#define SEC(name)
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#undef __noinline
#define __noinline __attribute__((noinline))

static __u64 k_now, k_task, k_emitted;
static struct {
	unsigned long nvcsw;
	unsigned int flags;
} k_current;
static const char *k_comm = "task";

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
	return 1000;
}

static inline __u64 bpf_get_current_cgroup_id(void)
{
	return 7;
}

static inline __u64 bpf_get_current_task(void)
{
	return (__u64)&k_current;
}

static inline long bpf_get_current_comm(void *to, __u32 size)
{
	strncpy(to, k_comm, size);
	return 0;
}

static inline void *bpf_ringbuf_reserve(void *map, __u64 size, __u64 flags)
{
	return malloc(size);
}

static inline void bpf_ringbuf_submit(void *record, __u64 flags)
{
	k_emitted++;
	free(record);
}

static inline long bpf_probe_read_kernel(void *to, __u32 size, const void *from)
{
	memcpy(to, from, size);
	return 0;
}

static inline long bpf_probe_read_kernel_str(char *to, __u32 size, const void *from)
{
	const size_t n = strnlen(from, size - 1);

	memcpy(to, from, n);
	to[n] = 0;
	return n + 1;
}

/* A map is a list here: (map, key) -> value. */
#define K_ENTRIES 40000
static struct k_entry {
	const void *map;
	__u8 key[32];
	__u8 value[512];
} *k_entries;
static size_t k_used;

static struct k_entry *k_find(const void *map, const void *key, size_t size)
{
	for (size_t i = 0; i < k_used; i++)
		if (k_entries[i].map == map && !memcmp(k_entries[i].key, key, size))
			return &k_entries[i];
	return NULL;
}

static void *k_lookup(const void *map, const void *key, size_t key_size)
{
	struct k_entry *e = k_find(map, key, key_size);

	return e ? e->value : NULL;
}

static long k_update(const void *map, const void *key, size_t key_size, const void *value, size_t size, __u64 flags)
{
	struct k_entry *e = k_find(map, key, key_size);

	if (e && flags == 1)
		return -17;
	if (!k_entries)
		k_entries = calloc(K_ENTRIES, sizeof(*k_entries));
	if (!e) {
		if (k_used == K_ENTRIES)
			return -7;
		e = &k_entries[k_used++];
	}
	e->map = map;
	memcpy(e->key, key, key_size);
	memcpy(e->value, value, size);
	return 0;
}

static long k_delete(const void *map, const void *key, size_t key_size)
{
	struct k_entry *e = k_find(map, key, key_size);

	if (!e)
		return -2;
	*e = k_entries[--k_used];
	return 0;
}

#define bpf_map_lookup_elem(map, k) k_lookup(map, k, sizeof(*(map)->key))
#define bpf_map_update_elem(map, k, v, flags) k_update(map, k, sizeof(*(map)->key), v, sizeof(*(map)->value), flags)
#define bpf_map_delete_elem(map, k) k_delete(map, k, sizeof(*(map)->key))

#endif
