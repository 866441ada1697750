// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What smb_wire records, in hash maps, as tools of the BCC kind do it: requests by pointer, tasks between asking for credits and
 * having sent, counters and a histogram per target and command. Left out to its advantage: the history (a request is forgotten
 * at its release), requests in flight that user space can read without system calls, and most counts of losses.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "cifs_types.h"
#include "histogram.h"
#include "smb_wire.h"

#define MAX_CHAIN 12

struct request {
	__u64 created;
	__u64 sent;
	__u64 answered;
	__u64 last_answer;
	__u64 closed;
	__u64 queue_ns;
	__u64 mid;
	__u64 connection;
	__u64 session;
	__u64 async_id;
	__u64 cgroup;
	__u64 lead;  /* the first member of the compound */
	__u64 chain; /* the member before this one */
	__u32 tree;
	__u32 tid;
	__u32 tgid;
	__u32 opener;
	__u32 status;
	__u32 flags;
	__u32 command;
	__u32 pad;
	char comm[16];
};

struct task {
	__u64 asked;
	__u64 granted_ns;
	__u64 connection;
	__u64 chain; /* the newest unsent request */
	__u64 waiting;
};

struct target {
	__u64 connection;
	__u64 session;
	__u32 tree;
	__u32 command;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct request);
} requests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct task);
} waits SEC(".maps");

/* task -> who opened the file that it is about to close or write back */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} openers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct target);
	__type(value, struct aod_smb_stats);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} outliers SEC(".maps");

struct aod_smb_events happened;
__u64 unseen;
static struct aod_smb_stats nothing;
const volatile __u64 slow_ns = ~0ull;
const volatile __u32 error_commands = 0;

static __always_inline int wait_begin(__u64 connection, __u32 kind)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct task task = { .asked = bpf_ktime_get_ns(), .connection = connection, .waiting = kind };

	bpf_map_update_elem(&waits, &id, &task, BPF_ANY);
	return 0;
}

static __always_inline int wait_end(__u32 kind, int ret)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct task *task = bpf_map_lookup_elem(&waits, &id);

	if (!task)
		return 0;
	task->waiting = AOD_WAIT_NONE;
	if (kind == AOD_WAIT_MTU && !ret)
		task->granted_ns = bpf_ktime_get_ns() - task->asked + 1;
	if (kind == AOD_WAIT_MTU || ret)
		task->asked = 0;
	return 0;
}

static __always_inline int begin(struct smb_rqst *rqst, struct mid_q_entry *mid, bool async)
{
	struct smb2_request_part part = {};
	__u64 id = bpf_get_current_pid_tgid(), key = (__u64)mid;
	struct request r = {};
	struct task *task;
	bool data;

	if (!mid || key >= (__u64)-4095)
		return 0;
	bpf_probe_read_kernel(&part, sizeof(part), rqst->rq_iov->iov_base + SMB2_REQUEST_PART_AT);
	r.created = bpf_ktime_get_ns();
	r.mid = mid->mid;
	r.connection = mid->server->conn_id;
	r.session = part.session_id;
	r.cgroup = bpf_get_current_cgroup_id();
	r.lead = part.next_command ? key : 0;
	r.tree = part.tree_id;
	r.tid = id;
	r.tgid = id >> 32;
	r.command = mid->command;
	r.flags = async ? AOD_F_ASYNC_CALL : 0;
	data = r.command == SMB2_READ || r.command == SMB2_WRITE;
	r.opener = data ? part.process_id : 0;
	bpf_get_current_comm(r.comm, sizeof(r.comm));
	task = bpf_map_lookup_elem(&waits, &id);
	if (task) {
		if (data && async && task->granted_ns) {
			r.queue_ns = task->granted_ns - 1;
			r.flags |= AOD_F_QUEUE;
			task->granted_ns = 0;
		} else if (!(data && async) && task->asked) {
			r.queue_ns = r.created - task->asked;
			r.flags |= AOD_F_QUEUE;
		}
		if ((part.flags & SMB2_FLAGS_RELATED_OPERATIONS) && task->chain) {
			struct request *before = bpf_map_lookup_elem(&requests, &task->chain);

			r.chain = task->chain;
			r.lead = before ? before->lead : 0;
		}
		task->chain = key;
	}
	if (r.command == SMB2_CLOSE || r.command == SMB2_WRITE) {
		__u64 *opener = bpf_map_lookup_elem(&openers, &id);

		if (opener) {
			r.opener = *opener;
			bpf_map_delete_elem(&openers, &id);
		}
	}
	if (r.lead)
		r.flags |= AOD_F_COMPOUND;
	bpf_map_update_elem(&requests, &key, &r, BPF_ANY);
	return 0;
}

static __always_inline int sent(int ret)
{
	__u64 id = bpf_get_current_pid_tgid(), now, key;
	struct task *task = bpf_map_lookup_elem(&waits, &id);

	if (!task)
		return 0;
	now = bpf_ktime_get_ns();
	key = task->chain;
	for (int i = 0; i < MAX_CHAIN && key; i++) {
		struct request *r = bpf_map_lookup_elem(&requests, &key);

		if (!r)
			break;
		r->sent = now;
		if (ret < 0)
			r->flags |= AOD_F_SEND_FAILED;
		key = r->chain;
	}
	bpf_map_delete_elem(&waits, &id);
	return 0;
}

static __always_inline void take_status(struct request *r, void *response)
{
	struct smb2_response_part part;

	if (bpf_probe_read_kernel(&part, sizeof(part), response + SMB2_RESPONSE_PART_AT))
		return;
	r->status = part.status;
	r->flags |= AOD_F_STATUS;
	if (part.flags & SMB2_FLAGS_ASYNC_COMMAND) {
		r->flags |= AOD_F_WIRE_ASYNC;
		r->async_id = part.async_id;
	}
}

static __always_inline int answered(struct mid_q_entry *mid)
{
	__u64 key = (__u64)mid;
	struct request *r = bpf_map_lookup_elem(&requests, &key), *lead;
	void *response = mid->resp_buf;

	if (!r)
		return 0;
	r->answered = bpf_ktime_get_ns();
	if (response)
		take_status(r, response);
	if (r->lead) {
		lead = bpf_map_lookup_elem(&requests, &r->lead);
		if (lead)
			lead->last_answer = r->answered;
	}
	return 0;
}

static __always_inline void look(struct request *r, struct mid_q_entry *mid)
{
	int state = BPF_CORE_READ(mid, mid_state);
	void *response = BPF_CORE_READ(mid, resp_buf);

	if (!r->answered && (state == MID_RESPONSE_RECEIVED || state == MID_RESPONSE_READY)) {
		r->answered = bpf_ktime_get_ns();
		r->flags |= AOD_F_LATE_ANSWER;
	}
	if (response && !(r->flags & AOD_F_STATUS))
		take_status(r, response);
	if (state == MID_RETRY_NEEDED)
		r->flags |= AOD_F_RETRY;
	else if (state == MID_SHUTDOWN)
		r->flags |= AOD_F_SHUTDOWN;
	if (BPF_CORE_READ(mid, mid_flags) & MID_WAIT_CANCELLED)
		r->flags |= AOD_F_CANCELLED;
}

static __always_inline void add(const struct request *r, __u64 latency, bool error)
{
	struct target target = {
		.connection = r->connection, .session = r->session, .tree = r->tree, .command = r->command
	};
	struct aod_smb_stats *s = bpf_map_lookup_elem(&counters, &target);

	if (!s) {
		bpf_map_update_elem(&counters, &target, &nothing, BPF_NOEXIST);
		s = bpf_map_lookup_elem(&counters, &target);
		if (!s)
			return;
	}
	__sync_fetch_and_add(&s->count, 1);
	__sync_fetch_and_add(&s->buckets[aod_bucket_of(latency)], 1);
	if (error)
		__sync_fetch_and_add(&s->errors, 1);
}

SEC("fentry/__release_mid")
int BPF_PROG(hash_release, struct kref *refcount)
{
	struct mid_q_entry *mid = (void *)((char *)refcount - bpf_core_field_offset(struct mid_q_entry, refcount));
	__u64 key = (__u64)mid, latency;
	struct request *r = bpf_map_lookup_elem(&requests, &key);
	bool error;

	if (!r) {
		__sync_fetch_and_add(&unseen, 1);
		return 0;
	}
	if (!r->answered || !(r->flags & AOD_F_STATUS) ||
	    (!(r->flags & AOD_F_ASYNC_CALL) && r->tid != (__u32)bpf_get_current_pid_tgid()))
		look(r, mid);
	r->closed = bpf_ktime_get_ns();
	if (r->lead && r->lead != key) {
		struct request *lead = bpf_map_lookup_elem(&requests, &r->lead);

		if (lead)
			r->last_answer = lead->last_answer;
	}
	latency = r->queue_ns - r->created + ((r->flags & AOD_F_ASYNC_CALL) && r->answered ? r->answered : r->closed);
	error = r->status >= 0xc0000000 && (r->flags & AOD_F_STATUS);
	add(r, latency, error);
	if (latency >= slow_ns || (error && r->command < 32 && (error_commands >> r->command & 1)))
		bpf_ringbuf_output(&outliers, r, sizeof(*r), 0);
	bpf_map_delete_elem(&requests, &key);
	return 0;
}

SEC("fentry/wait_for_free_credits")
int BPF_PROG(hash_credits, struct TCP_Server_Info *server)
{
	return wait_begin(server->conn_id, AOD_WAIT_CREDITS);
}

SEC("fexit/wait_for_free_credits")
int BPF_PROG(hash_granted, void *server, int n, int timeout, int flags, void *instance, int ret)
{
	return wait_end(AOD_WAIT_CREDITS, ret);
}

SEC("fentry/smb2_wait_mtu_credits")
int BPF_PROG(hash_mtu, struct TCP_Server_Info *server)
{
	return wait_begin(server->conn_id, AOD_WAIT_MTU);
}

SEC("fexit/smb2_wait_mtu_credits")
int BPF_PROG(hash_mtu_done, void *server, unsigned long size, void *num, void *credits, int ret)
{
	return wait_end(AOD_WAIT_MTU, ret);
}

SEC("fexit/smb2_setup_request")
int BPF_PROG(hash_create, void *ses, void *server, struct smb_rqst *rqst, struct mid_q_entry *mid)
{
	return begin(rqst, mid, false);
}

SEC("fexit/smb2_setup_async_request")
int BPF_PROG(hash_async, void *server, struct smb_rqst *rqst, struct mid_q_entry *mid)
{
	return begin(rqst, mid, true);
}

SEC("fexit/__smb_send_rqst")
int BPF_PROG(hash_send, void *server, int n, void *rqst, int ret)
{
	return sent(ret);
}

SEC("fentry/dequeue_mid")
int BPF_PROG(hash_answer, struct mid_q_entry *mid)
{
	return answered(mid);
}

SEC("fentry/smb2_deferred_work_close")
int BPF_PROG(hash_deferred, struct work_struct *work)
{
	struct cifsFileInfo *file = (void *)((char *)work - bpf_core_field_offset(struct cifsFileInfo, deferred) -
					     bpf_core_field_offset(struct delayed_work, work));
	__u64 id = bpf_get_current_pid_tgid(), opener = BPF_CORE_READ(file, pid);

	bpf_map_update_elem(&openers, &id, &opener, BPF_ANY);
	return 0;
}

SEC("fentry/smb2_async_writev")
int BPF_PROG(hash_write, struct cifs_io_subrequest *write)
{
	__u64 id = bpf_get_current_pid_tgid(), opener;

	if (!(bpf_get_current_task_btf()->flags & PF_KTHREAD))
		return 0;
	opener = BPF_CORE_READ(write, req, cfile, pid);
	bpf_map_update_elem(&openers, &id, &opener, BPF_ANY);
	return 0;
}

SEC("tp_btf/smb3_reconnect")
int BPF_PROG(hash_reconnect)
{
	__sync_fetch_and_add(&happened.reconnects, 1);
	happened.last_reconnect = bpf_ktime_get_ns();
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
