/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The end of a call: what it returned, its statistics, and whether it is handed out. */
#ifndef AOD_VFS_END_H
#define AOD_VFS_END_H

#define EIOCBQUEUED 529
#define ECHILD 10
#define MAX_ERRNO 4095
#define VM_FAULT_ERROR 0x0873 /* OOM, SIGBUS, HWPOISON, HWPOISON_LARGE, SIGSEGV, FALLBACK: include/linux/mm_types.h */

/* A negative number. -ECHILD: asked under RCU, to be asked again. */
static __always_inline __u32 error_flags(__s64 value)
{
	if (value == -EIOCBQUEUED)
		return AOD_VFS_F_QUEUED;
	return value != -ECHILD && value >= -MAX_ERRNO ? AOD_VFS_F_ERROR : 0;
}

/* Into memory: the verifier would follow each kind of result to the end. */
static __always_inline void set_returned(__u32 id, struct aod_vfs_frame *f, __u64 ret)
{
	__s64 value = ret;

	switch (callbacks[id].returns) {
	case AOD_VFS_R_INT: value = (__s32)ret; break;
	case AOD_VFS_R_LONG: break;
	case AOD_VFS_R_BOOL: value = ret & 1; break;
	case AOD_VFS_R_UNSIGNED: value = (__u32)ret; break;
	case AOD_VFS_R_FAULT:
		value = (__u32)ret;
		if (ret & VM_FAULT_ERROR)
			f->flags |= AOD_VFS_F_ERROR;
		break;
	case AOD_VFS_R_POINTER:
		if (ret < (__u64)-MAX_ERRNO)
			value = ret != 0;
		break;
	default: value = 0;
	}
	f->retval = value;
	if (value < 0)
		f->flags |= error_flags(value);
}

static __always_inline bool failed(const struct aod_vfs_frame *f)
{
	return *(const volatile __u32 *)&f->flags & AOD_VFS_F_ERROR;
}

static __always_inline __u64 took(const struct aod_vfs_frame *f)
{
	return *(const volatile __u64 *)&f->ended - *(const volatile __u64 *)&f->started;
}

static __always_inline void account(__u32 id, struct aod_vfs_frame *f)
{
	struct aod_vfs_stats *s;
	__u32 at;

	find_device(f);
	at = *(volatile __u32 *)&f->place;
	if (at >= AOD_VFS_DEVICES)
		return;
	barrier_var(at);
	s = &stats[at * AOD_VFS_CALLBACKS + id];
	barrier_var(s);
	count(&s->count);
	if (failed(f))
		count(&s->errors);
	__sync_fetch_and_add(&s->buckets[aod_bucket_of(took(f))], 1);
}

static __always_inline bool wanted(__u32 id, const struct aod_vfs_frame *f)
{
	__u32 type = (callbacks[id].type - 1) & (AOD_VFS_TYPES - 1);

	if (tunables.tgid && tunables.tgid != bpf_get_current_pid_tgid() >> 32)
		return false;
	if (tunables.device && tunables.device != f->device)
		return false;
	return took(f) >= tunables.slow_ns[type] || (failed(f) && tunables.error_types >> type & 1);
}

/* `limit`: the end of the stack that this call has had; it, and what it called, lie below. */
static __always_inline int end(__u32 id, __u64 ret, __u64 limit)
{
	__u64 now = bpf_ktime_get_ns();
	struct aod_vfs_task *t = task_find(task_id());
	struct aod_vfs_frame *f = NULL;

	if (t) {
		end_ghosts(t, number_of_sp(t, limit) - 1);
		f = top_of(t);
	}
	if (!f || !f->started || f->callback != id) {
		/* other file systems' calls have no begin either */
		if (!callbacks[id].shared)
			count(&losses.unseen[id]);
		return 0;
	}
	f->ended = now;
	set_returned(id, f, ret);
	account(id, f);
	if (wanted(id, f))
		hand_out(id, t, f);
	frame_end(t, f);
	return 0;
}

#endif
