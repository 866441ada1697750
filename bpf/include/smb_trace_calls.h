/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All other requests, which the task that asked evaluates itself: found again by the task, with the members of its compound. */
#ifndef AOD_SMB_TRACE_CALLS_H
#define AOD_SMB_TRACE_CALLS_H

#define MAX_STRIDE 256 /* message ids that one member of a compound may take: its credit charge */

struct task_struct {
	unsigned long nvcsw;
} __attribute__((preserve_access_index));

static __always_inline __u64 switches_of_current(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, nvcsw);
}

static __always_inline struct call *call_of(__u32 tid)
{
	static const struct call none;
	struct call *call = bpf_map_lookup_elem(&calls, &tid);

	if (call)
		return call;
	bpf_map_update_elem(&calls, &tid, &none, BPF_ANY);
	return bpf_map_lookup_elem(&calls, &tid);
}

/*
 * Is this request one more member of the task's compound? The members are made under the connection's lock with rising ids, and the task sleeps
 * only when they are sent.
 */
static __always_inline bool goes_on(const struct call *call, const struct event *e, __u64 switches)
{
	if (!call->n || call->n >= MAX_CHAIN || call->ended || call->session != e->session || call->switches != switches)
		return false;
	return e->mid > call->last && e->mid - call->last <= MAX_STRIDE;
}

static __always_inline void leave(struct call *call)
{
	for (__u32 i = 0; i < MAX_CHAIN; i++) {
		if (i >= call->n)
			break;
		if (!(call->ended >> i & 1))
			op_left(call->seq[i]);
	}
	call->n = 0;
	call->ended = 0;
}

static __always_inline int call_begin(const struct event *e)
{
	__u64 switches = switches_of_current();
	struct call *call = call_of(bpf_get_current_pid_tgid());
	struct aod_smb_op *op;
	__u64 seq;
	__u32 n;

	if (!call) {
		count(&losses.tasks_full);
		return 0;
	}
	if (!goes_on(call, e, switches)) {
		leave(call);
		call->session = e->session;
		call->switches = switches;
	}
	seq = op_begin(e->session, e->mid, e->tree, e->command);
	n = call->n;
	if (!seq || n >= MAX_CHAIN)
		return 0;
	call->seq[n] = seq;
	call->mid[n] = call->last = e->mid;
	call->n = n + 1;
	if (n) {
		op = op_new(seq);
		op->lead = call->seq[0];
		op->flags |= AOD_F_COMPOUND;
		op = n == 1 ? op_of(call->seq[0]) : NULL;
		if (op) {
			op->lead = op->seq;
			op->flags |= AOD_F_COMPOUND;
		}
	}
	op_publish(seq);
	return 0;
}

static __always_inline int call_end(const struct event *e, __u32 status, bool last)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct call *call = bpf_map_lookup_elem(&calls, &tid);
	bool found = false;

	for (__u32 i = 0; call && i < MAX_CHAIN; i++) {
		bool same;

		if (i >= call->n)
			break;
		same = call->mid[i] == e->mid;
		if (same)
			found = true;
		else if (!found || !last)
			continue;
		if (call->ended >> i & 1)
			continue; /* evaluated a second time */
		call->ended |= 1u << i;
		op_end(call->seq[i], same ? status : 0, same ? AOD_F_STATUS : 0);
	}
	if (!found)
		count(&losses.unseen[command_of(e->command)]);
	return 0;
}

#endif
