/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names and paths, without a lock: a name is read as it stands. Directories are followed upwards to the root of the file system, at
 * most MAX_PARTS of them.
 */
#ifndef AOD_VFS_NAMES_H
#define AOD_VFS_NAMES_H

#define MAX_PARTS 33 /* the name and 32 directories */

static __always_inline bool add_text(struct aod_vfs_slot *s, int object, const void *from)
{
	__u32 at = s->text_size;
	long n;

	if (at >= AOD_VFS_TEXT) {
		s->flags |= AOD_VFS_F_CUT;
		return false;
	}
	barrier_var(at);
	n = bpf_probe_read_kernel_str(&s->text[at], AOD_VFS_NAME, from);
	if (n <= 0)
		return false;
	s->text_size = at + (n & (2 * AOD_VFS_NAME - 1));
	s->names[object]++;
	return true;
}

static __always_inline void add_dentry(struct aod_vfs_slot *s, int object, struct dentry *dentry)
{
	struct dentry *root = NULL, *parent;

	if (!dentry)
		return;
	if (!knobs.paths) {
		add_text(s, object, BPF_CORE_READ(dentry, d_name.name));
		return;
	}
	root = BPF_CORE_READ(dentry, d_sb, s_root);
	for (int i = 0; i < MAX_PARTS; i++) {
		if (!add_text(s, object, BPF_CORE_READ(dentry, d_name.name)))
			return;
		parent = BPF_CORE_READ(dentry, d_parent);
		if (dentry == root || parent == root || parent == dentry || !parent)
			return;
		dentry = parent;
	}
	s->flags |= AOD_VFS_F_CUT;
}

/* The first name that the cache has for an inode. */
static __always_inline struct dentry *alias_of(struct inode *inode)
{
	struct hlist_node *node = BPF_CORE_READ(inode, i_dentry.first);

	if (!node)
		return NULL;
	if (bpf_core_field_exists(struct dentry___anonymous, d_alias))
		return (void *)node - bpf_core_field_offset(struct dentry___anonymous, d_alias);
	return (void *)node - bpf_core_field_offset(struct dentry___union, d_u.d_alias);
}

static __always_inline struct dentry *dentry_of(__u32 id, int object, const struct aod_vfs_frame *f)
{
	__u8 arg = callbacks[id].objects[object];
	struct dentry *dentry = (void *)f->objects[object];

	if (arg >= AOD_VFS_ARGS)
		return NULL;
	if (callbacks[id].kinds[arg] == AOD_VFS_K_DENTRY || callbacks[id].kinds[arg] == AOD_VFS_K_PATH)
		return dentry;
	return BPF_CORE_READ((struct file *)dentry, f_path.dentry);
}

static __always_inline void no_names(struct aod_vfs_slot *s)
{
	s->text_size = 0;
	s->flags = 0;
	*(__u32 *)s->names = 0;
}

static __always_inline void add_names(struct aod_vfs_slot *s, __u32 id, struct aod_vfs_frame *f, const char *text)
{
	struct dentry *dentry;

	no_names(s);
	dentry = dentry_of(id, 0, f);
	if (!dentry && !callbacks[id].inode_ends) {
		dentry = alias_of((void *)f->where);
		s->flags = dentry ? AOD_VFS_F_ALIAS : 0;
	}
	add_dentry(s, 0, dentry);
	if (callbacks[id].objects[1] < AOD_VFS_ARGS)
		add_dentry(s, 1, dentry_of(id, 1, f));
	if (text)
		add_text(s, AOD_VFS_OBJECTS, text);
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

#endif
