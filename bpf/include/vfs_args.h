/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the arguments of a callback say: read when it begins, because positions and counts move, and what they lie in may be gone after it. */
#ifndef AOD_VFS_ARGS_H
#define AOD_VFS_ARGS_H

/* Where a call's inode and file system are. */
struct subject {
	struct inode *inode;
	struct super_block *sb;
};

/* A NULL on the way reads as 0: no check, because the verifier would follow both ways to the end. */
static __always_inline void of_inode(struct subject *s, struct inode *inode)
{
	s->inode = inode;
	s->sb = BPF_CORE_READ(inode, i_sb);
}

static __always_inline void of_file(struct subject *s, struct file *file)
{
	of_inode(s, BPF_CORE_READ(file, f_inode));
}

static __always_inline void of_dentry(struct subject *s, struct dentry *dentry)
{
	s->inode = BPF_CORE_READ(dentry, d_inode);
	s->sb = BPF_CORE_READ(dentry, d_sb);
}

static __always_inline void of_mapping(struct subject *s, struct address_space *mapping)
{
	of_inode(s, BPF_CORE_READ(mapping, host));
}

static __always_inline void subject_of(struct subject *s, __u8 kind, __u64 v)
{
	switch (kind) {
	case AOD_VFS_K_FILE: of_file(s, (void *)v); break;
	case AOD_VFS_K_INODE: of_inode(s, (void *)v); break;
	case AOD_VFS_K_DENTRY: of_dentry(s, (void *)v); break;
	case AOD_VFS_K_PATH: of_dentry(s, BPF_CORE_READ((struct path *)v, dentry)); break;
	case AOD_VFS_K_KIOCB: of_file(s, BPF_CORE_READ((struct kiocb *)v, ki_filp)); break;
	case AOD_VFS_K_FOLIO: of_mapping(s, BPF_CORE_READ((struct folio *)v, mapping)); break;
	case AOD_VFS_K_PAGE: of_mapping(s, BPF_CORE_READ((struct page *)v, mapping)); break;
	case AOD_VFS_K_MAPPING: of_mapping(s, (void *)v); break;
	case AOD_VFS_K_SUPER: s->sb = (void *)v; break;
	case AOD_VFS_K_VMA: of_file(s, BPF_CORE_READ((struct vm_area_struct *)v, vm_file)); break;
	case AOD_VFS_K_VMA_DESC: of_file(s, BPF_CORE_READ((struct vm_area_desc *)v, file)); break;
	case AOD_VFS_K_FAULT: of_file(s, BPF_CORE_READ((struct vm_fault *)v, vma, vm_file)); break;
	case AOD_VFS_K_RACTL: of_mapping(s, BPF_CORE_READ((struct readahead_control *)v, mapping)); break;
	}
}

static __always_inline __u64 object_of(__u8 kind, __u64 v)
{
	switch (kind) {
	case AOD_VFS_K_FILE:
	case AOD_VFS_K_DENTRY: return v;
	case AOD_VFS_K_PATH: return (__u64)BPF_CORE_READ((struct path *)v, dentry);
	case AOD_VFS_K_KIOCB: return (__u64)BPF_CORE_READ((struct kiocb *)v, ki_filp);
	case AOD_VFS_K_VMA: return (__u64)BPF_CORE_READ((struct vm_area_struct *)v, vm_file);
	case AOD_VFS_K_VMA_DESC: return (__u64)BPF_CORE_READ((struct vm_area_desc *)v, file);
	case AOD_VFS_K_FAULT: return (__u64)BPF_CORE_READ((struct vm_fault *)v, vma, vm_file);
	case AOD_VFS_K_RACTL: return (__u64)BPF_CORE_READ((struct readahead_control *)v, file);
	}
	return 0;
}

static __always_inline void set_pos(struct aod_vfs_frame *f, __u64 pos)
{
	f->pos = pos;
	f->flags |= AOD_VFS_F_POS;
}

static __always_inline void set_size(struct aod_vfs_frame *f, __u64 size)
{
	f->size = size;
	f->flags |= AOD_VFS_F_SIZE;
}

static __always_inline __u64 take_vma(struct aod_vfs_frame *f, struct vm_area_struct *vma)
{
	set_pos(f, BPF_CORE_READ(vma, vm_pgoff) << knobs.page_shift);
	set_size(f, BPF_CORE_READ(vma, vm_end) - BPF_CORE_READ(vma, vm_start));
	return bpf_core_field_exists(vma->vm_flags) ? BPF_CORE_READ(vma, vm_flags) : 0;
}

static __always_inline __u64 take_vma_desc(struct aod_vfs_frame *f, struct vm_area_desc *desc)
{
	set_pos(f, BPF_CORE_READ(desc, pgoff) << knobs.page_shift);
	set_size(f, BPF_CORE_READ(desc, end) - BPF_CORE_READ(desc, start));
	return 0;
}

static __always_inline __u64 take_fault(struct aod_vfs_frame *f, struct vm_fault *fault)
{
	struct vm_fault___enum *newer = (void *)fault;

	set_pos(f, BPF_CORE_READ(fault, pgoff) << knobs.page_shift);
	return bpf_core_field_exists(newer->flags) ? (__u32)BPF_CORE_READ(newer, flags) : BPF_CORE_READ(fault, flags);
}

static __always_inline __u64 take_wbc(struct aod_vfs_frame *f, struct writeback_control *wbc)
{
	f->extra[0] = BPF_CORE_READ(wbc, sync_mode);
	f->extra[1] = BPF_CORE_READ_BITFIELD_PROBED(wbc, range_cyclic);
	f->extra[2] = BPF_CORE_READ(wbc, range_start);
	f->extra[3] = BPF_CORE_READ(wbc, range_end);
	return BPF_CORE_READ(wbc, nr_to_write);
}

static __always_inline __u64 take_lock(struct aod_vfs_frame *f, struct file_lock *lock)
{
	struct file_lock___old *old = (void *)lock;
	struct file_lock___core *core = (void *)lock;

	if (bpf_core_field_exists(old->fl_type)) {
		f->extra[0] = BPF_CORE_READ(old, fl_type);
		f->extra[1] = BPF_CORE_READ(old, fl_flags);
	} else {
		f->extra[0] = BPF_CORE_READ(core, c.flc_type);
		f->extra[1] = BPF_CORE_READ(core, c.flc_flags);
	}
	f->extra[2] = BPF_CORE_READ(lock, fl_start);
	f->extra[3] = BPF_CORE_READ(lock, fl_end);
	return f->extra[0];
}

static __always_inline __u64 take_attr(struct aod_vfs_frame *f, struct iattr *attr)
{
	f->extra[0] = BPF_CORE_READ(attr, ia_valid);
	f->extra[1] = BPF_CORE_READ(attr, ia_mode);
	f->extra[2] = BPF_CORE_READ(attr, ia_size);
	f->extra[3] = (__u64)BPF_CORE_READ(attr, ia_uid.val) << 32 | BPF_CORE_READ(attr, ia_gid.val);
	return f->extra[0];
}

static __always_inline __u64 take_ractl(struct aod_vfs_frame *f, struct readahead_control *ractl)
{
	__u64 pages = BPF_CORE_READ(ractl, _nr_pages);

	set_pos(f, BPF_CORE_READ(ractl, _index) << knobs.page_shift);
	set_size(f, pages << knobs.page_shift);
	return pages;
}

static __always_inline __u64 take_kiocb(struct aod_vfs_frame *f, struct kiocb *iocb)
{
	set_pos(f, BPF_CORE_READ(iocb, ki_pos));
	return (__u32)BPF_CORE_READ(iocb, ki_flags);
}

static __always_inline __u64 take_index(struct aod_vfs_frame *f, __u64 index)
{
	set_pos(f, index << knobs.page_shift);
	return index;
}

static __always_inline __u64 take_offset(struct aod_vfs_frame *f, void *at)
{
	__u64 pos = 0;

	if (at && !bpf_probe_read_kernel(&pos, sizeof(pos), at))
		set_pos(f, pos);
	return pos;
}

static __always_inline __u64 take_size(struct aod_vfs_frame *f, struct iov_iter *iter)
{
	set_size(f, BPF_CORE_READ(iter, count));
	return f->size;
}

static __always_inline __u64 page_index(struct page *page)
{
	return bpf_core_field_exists(page->index) ? BPF_CORE_READ(page, index) : 0;
}

static __always_inline __u64 number_of(struct inode *inode)
{
	return BPF_CORE_READ(inode, i_ino);
}

static __always_inline __u64 inode_number(__u8 kind, __u64 v)
{
	struct subject s = {};

	subject_of(&s, kind, v);
	return number_of(s.inode);
}

/* args[i]. kind, shift and subject are constants where a clone is verified. */
static __always_inline __u64 take(struct aod_vfs_frame *f, __u8 kind, __u8 shift, bool subject, __u64 v)
{
	switch (kind) {
	case AOD_VFS_K_NUMBER: return v << shift >> shift;
	case AOD_VFS_K_SIGNED: return (__s64)(v << shift) >> shift;
	case AOD_VFS_K_FILE:
	case AOD_VFS_K_INODE:
	case AOD_VFS_K_DENTRY:
	case AOD_VFS_K_PATH: return subject ? f->inode : inode_number(kind, v);
	case AOD_VFS_K_MAPPING: return f->inode;
	case AOD_VFS_K_KIOCB: return take_kiocb(f, (void *)v);
	case AOD_VFS_K_ITER: return take_size(f, (void *)v);
	case AOD_VFS_K_FOLIO: return take_index(f, BPF_CORE_READ((struct folio *)v, index));
	case AOD_VFS_K_PAGE: return take_index(f, page_index((void *)v));
	case AOD_VFS_K_SUPER: return BPF_CORE_READ((struct super_block *)v, s_dev);
	case AOD_VFS_K_VMA: return take_vma(f, (void *)v);
	case AOD_VFS_K_VMA_DESC: return take_vma_desc(f, (void *)v);
	case AOD_VFS_K_FAULT: return take_fault(f, (void *)v);
	case AOD_VFS_K_WBC: return take_wbc(f, (void *)v);
	case AOD_VFS_K_LOCK: return take_lock(f, (void *)v);
	case AOD_VFS_K_ATTR: return take_attr(f, (void *)v);
	case AOD_VFS_K_RACTL: return take_ractl(f, (void *)v);
	case AOD_VFS_K_OFFSET: return take_offset(f, (void *)v);
	case AOD_VFS_K_DIR: return take_offset(f, &((struct dir_context *)v)->pos);
	case AOD_VFS_K_TEXT: return v; /* its address, until the end */
	case AOD_VFS_K_OTHER: return v != 0;
	}
	return 0;
}

#endif
