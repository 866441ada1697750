/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The record of a call that is over, as it is handed to aod-probe. */
#ifndef AOD_VFS_OP_H
#define AOD_VFS_OP_H

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

#endif
