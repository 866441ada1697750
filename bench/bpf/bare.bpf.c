// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The least that a latency tool with a hash map does: time and command at creation; lookup, latency and delete at release. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "cifs_types.h"

struct start {
	__u64 created;
	__u64 command;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct start);
} requests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} outliers SEC(".maps");

const volatile __u64 slow_ns = ~0ull;

static __always_inline int begin(struct mid_q_entry *mid)
{
	__u64 request = (__u64)mid;
	struct start start;

	if (!mid || request >= (__u64)-4095)
		return 0;
	start.command = mid->command;
	start.created = bpf_ktime_get_ns();
	bpf_map_update_elem(&requests, &request, &start, BPF_ANY);
	return 0;
}

SEC("fexit/smb2_setup_request")
int BPF_PROG(bare_create, void *ses, void *server, void *rqst, struct mid_q_entry *mid)
{
	return begin(mid);
}

SEC("fexit/smb2_setup_async_request")
int BPF_PROG(bare_async, void *server, void *rqst, struct mid_q_entry *mid)
{
	return begin(mid);
}

SEC("fentry/__release_mid")
int BPF_PROG(bare_release, struct kref *refcount)
{
	__u64 request = (__u64)refcount - bpf_core_field_offset(struct mid_q_entry, refcount);
	struct start *start = bpf_map_lookup_elem(&requests, &request);
	__u64 slow[2];

	if (!start)
		return 0;
	slow[0] = bpf_ktime_get_ns() - start->created;
	slow[1] = start->command;
	if (slow[0] >= slow_ns)
		bpf_ringbuf_output(&outliers, slow, sizeof(slow), 0);
	bpf_map_delete_elem(&requests, &request);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
