/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a call leaves when it begins. */
#ifndef AOD_VFS_BEGIN_H
#define AOD_VFS_BEGIN_H

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

#endif
