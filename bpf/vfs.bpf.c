// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * smb_vfs and nfs_vfs: every callback that the module gives to the VFS, from its begin to its end.
 *
 * No callback has a name here. aod-probe finds them in the running kernel, writes what is to be known of each into `callbacks`, and loads
 * a pair of these programs for each of them, with its number in the place of AOD_VFS_MARKER. `callbacks` is constant for the
 * verifier, so a clone consists of what its callback needs.
 *
 * As they stand here the programs end at the marker; they are loaded as kprobes so that libbpf completes them, and never attached.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "frames.h"
#include "histogram.h"
#include "vfs_types.h"

#ifndef barrier_var
#define barrier_var(v) asm volatile("" : "+r"(v))
#endif

#include "vfs_maps.h"
#include "vfs_args.h"
#include "vfs_names.h"

#define EIOCBQUEUED 529
#define ECHILD 10
#define MAX_ERRNO 4095
#define VM_FAULT_ERROR 0x0873 /* OOM, SIGBUS, HWPOISON, HWPOISON_LARGE, SIGSEGV, FALLBACK: include/linux/mm_types.h */

static __always_inline __u64 marker(void)
{
	__u64 id;

	asm volatile("%0 = %1" : "=r"(id) : "i"(AOD_VFS_MARKER));
	return id;
}

/* A place for the op, with its names unless they are not true any more. */
static __always_inline void take_names(__u32 id, struct aod_vfs_frame *f, bool true_now)
{
	__u8 text = callbacks[id].text;
	struct aod_vfs_slot *s;

	slot_claim(f);
	s = slot_of(f);
	if (!s)
		return;
	if (true_now)
		add_names(s, id, f, text < AOD_VFS_ARGS ? (void *)f->args[text] : NULL);
	else
		no_names(s);
}

static __always_inline bool ours(struct super_block *sb)
{
	__u64 magic = BPF_CORE_READ(sb, s_magic);

	return magic && (magic == knobs.magic[0] || magic == knobs.magic[1]);
}

static __always_inline __u32 device_number(struct super_block *sb)
{
	return BPF_CORE_READ(sb, s_dev);
}

/* A kretprobe waits for a fixed number of returns at once, and says nothing of the others. */
static __always_inline bool return_is_seen(__u32 id)
{
	if (!callbacks[id].instances)
		return true;
	__sync_fetch_and_add(&running[id], 1);
	barrier_here();
	if (*(volatile __s64 *)&running[id] <= callbacks[id].instances)
		return true;
	__sync_fetch_and_add(&running[id], -1);
	count(&losses.tasks_full);
	return false;
}

static __always_inline int begin(__u32 id, const __u64 *v, __u64 sp)
{
	__u8 subject = callbacks[id].subject, second = callbacks[id].second;
	struct subject s = {};
	struct aod_vfs_frame *f;

	if (subject < AOD_VFS_ARGS)
		subject_of(&s, callbacks[id].kinds[subject], v[subject]);
	if (second < AOD_VFS_ARGS && !s.sb)
		subject_of(&s, callbacks[id].kinds[second], v[second]);
	if (callbacks[id].shared && !ours(s.sb))
		return 0;
	f = frame_begin(sp);
	if (!f)
		return 0;
	f->callback = id;
	f->flags = 0;
	f->pos = 0;
	f->size = 0;
	f->where = (__u64)s.inode;
	f->sb = (__u64)s.sb;
	f->inode = number_of(s.inode);
	f->device = device_number(s.sb);
#pragma unroll
	for (int i = 0; i < AOD_VFS_EXTRA; i++)
		f->extra[i] = 0;
#pragma unroll
	for (int i = 0; i < AOD_VFS_OBJECTS; i++) {
		__u8 arg = callbacks[id].objects[i];

		f->objects[i] = arg < AOD_VFS_ARGS ? object_of(callbacks[id].kinds[arg], v[arg]) : 0;
	}
#pragma unroll
	for (int i = 0; i < AOD_VFS_ARGS; i++)
		f->args[i] = i < callbacks[id].n_args ? take(f, callbacks[id].kinds[i], callbacks[id].shifts[i], subject == i, v[i]) : 0;
	if (callbacks[id].early)
		take_names(id, f, true);
	barrier_here();
	f->started = bpf_ktime_get_ns();
	return 0;
}

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

static __always_inline void add_oplock(struct aod_vfs_op *op, struct inode *inode)
{
	struct cifsInodeInfo *info;
	__u32 oplock;

	if (!bpf_core_type_exists(struct cifsInodeInfo))
		return;
	if (bpf_core_field_exists(struct cifsInodeInfo___netfs, netfs))
		info = (void *)inode - bpf_core_field_offset(struct cifsInodeInfo___netfs, netfs.inode);
	else
		info = (void *)inode - bpf_core_field_offset(struct cifsInodeInfo___plain, vfs_inode);
	if (BPF_CORE_READ_INTO(&oplock, info, oplock))
		return;
	op->oplock = oplock;
	op->flags |= AOD_VFS_F_OPLOCK;
}

/* A directory entry that was empty at the begin may have an inode now. */
static __always_inline void look_again(__u32 id, struct aod_vfs_frame *f)
{
	__u8 arg = callbacks[id].objects[0];
	struct dentry *dentry = (void *)f->objects[0];
	struct inode *inode;

	if (f->where || arg >= AOD_VFS_ARGS || callbacks[id].kinds[arg] != AOD_VFS_K_DENTRY)
		return;
	inode = BPF_CORE_READ(dentry, d_inode);
	if (!inode)
		return;
	f->where = (__u64)inode;
	f->inode = number_of(inode);
	f->args[arg] = f->inode;
}

static __always_inline void hand_out(__u32 id, struct aod_vfs_task *t, struct aod_vfs_frame *f)
{
	struct aod_vfs_slot *s;
	struct aod_vfs_op *op;
	__u32 size;

	look_again(id, f);
	if (!f->slot && callbacks[id].early)
		count(&losses.names_full);
	if (!f->slot)
		take_names(id, f, !callbacks[id].early);
	s = slot_of(f);
	if (!s) {
		count(&losses.ringbuf_full);
		return;
	}
	op = &s->op;
	barrier_var(op);
	op->seq = 0;
	op->started = f->started;
	op->ended = f->ended;
	op->retval = f->retval;
	op->cgroup = bpf_get_current_cgroup_id();
	op->inode = f->inode;
	op->pos = f->pos;
	op->size = f->size;
#pragma unroll
	for (int i = 0; i < AOD_VFS_ARGS; i++)
		op->args[i] = callbacks[id].text == i ? 0 : f->args[i];
#pragma unroll
	for (int i = 0; i < AOD_VFS_EXTRA; i++)
		op->extra[i] = f->extra[i];
	op->tid = bpf_get_current_pid_tgid();
	op->tgid = bpf_get_current_pid_tgid() >> 32;
	op->uid = bpf_get_current_uid_gid();
	op->device = f->device;
	op->flags = f->flags | s->flags;
	op->callback = id;
	*(__u32 *)op->names = *(__u32 *)s->names;
	op->oplock = 0;
	op->depth = t->depth - 1;
	op->pad = 0;
	__builtin_memcpy(op->comm, t->comm, sizeof(op->comm));
	if (knobs.cifs && f->where && !callbacks[id].inode_ends)
		add_oplock(op, (void *)f->where);
	size = s->text_size;
	if (size > AOD_VFS_TEXT + AOD_VFS_NAME)
		size = 0;
	barrier_var(size);
	op->text_size = size;
	if (bpf_ringbuf_output(&outliers, op, sizeof(*op) + size, 0))
		count(&losses.ringbuf_full);
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

SEC("kprobe")
int begin_f(void *ctx)
{
	__u64 id = marker(), v[AOD_VFS_ARGS] = {};

	if (id >= AOD_VFS_CALLBACKS)
		return 0;
#pragma unroll
	for (int i = 0; i < AOD_VFS_ARGS; i++)
		if (i < callbacks[id].n_args)
			bpf_get_func_arg(ctx, i, &v[i]);
	return begin(id, v, (__u64)ctx);
}

SEC("kprobe")
int end_f(void *ctx)
{
	__u64 id = marker(), ret = 0;

	if (id >= AOD_VFS_CALLBACKS)
		return 0;
	if (callbacks[id].returns != AOD_VFS_R_VOID)
		bpf_get_func_ret(ctx, &ret);
	return end(id, ret, (__u64)ctx); /* one trampoline calls both: this is where it was at the begin */
}

#if defined(__TARGET_ARCH_x86)
#define SIXTH(ctx) ((ctx)->r9)
#else
#define SIXTH(ctx) (((struct user_pt_regs *)(ctx))->regs[5])
#endif

SEC("kprobe")
int begin_k(struct pt_regs *ctx)
{
	__u64 id = marker();
	const __u64 v[AOD_VFS_ARGS] = { PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx), PT_REGS_PARM4(ctx), PT_REGS_PARM5(ctx), SIXTH(ctx) };

	if (id >= AOD_VFS_CALLBACKS)
		return 0;
	return return_is_seen(id) ? begin(id, v, PT_REGS_SP(ctx)) : 0;
}

SEC("kprobe")
int end_k(struct pt_regs *ctx)
{
	__u64 id = marker();

	if (id >= AOD_VFS_CALLBACKS)
		return 0;
	/* below 0: what had begun before the begins were attached */
	if (callbacks[id].instances && running[id] > 0)
		__sync_fetch_and_add(&running[id], -1);
	return end(id, PT_REGS_RC(ctx), PT_REGS_SP(ctx) - 8); /* the return address is off the stack (x86) */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
