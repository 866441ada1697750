/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of the VFS probes share: smb_vfs and nfs_vfs differ in their tables alone. */
#ifndef AOD_PROBE_VFS_H
#define AOD_PROBE_VFS_H

#include <bpf/btf.h>
#include "../probe.h"

/* A table of callbacks in the module, and which of the kernel's structs it is. */
struct vfs_table {
	const char *name;
	const char *type;
	__u8 vfs_type; /* enum aod_vfs_type */
};

/* A protocol's modules, tables and file systems. */
struct vfs_protocol {
	const char *const *modules; /* the first one must be there; NULL-terminated */
	const struct vfs_table *tables;
	size_t n_tables;
	__u64 magic[2];
	bool cifs;
};

struct vfs_callback {
	struct aod_vfs_callback said;
	struct aod_vfs_config config;
	__u64 address;
	const struct btf_type *prototype; /* of the table's member */
	__u32 btf_id;                     /* of the function; 0 = not in BTF */
	int btf_fd;                       /* of the BTF that btf_id is from; 0 = the kernel's own */
};

struct vfs_callbacks {
	struct vfs_callback list[AOD_VFS_CALLBACKS];
	__u32 n;
};

extern const struct vfs_protocol smb_protocol, nfs_protocol;

/* symbols.c: /proc/kallsyms, read once. */
struct symbol {
	__u64 address;
	const char *name;
	const char *module; /* NULL = the kernel's own */
	char type;
};
int symbols_load(const char *path); /* 0 or -errno after fail() */
void symbols_free(void);
const struct symbol *symbols_find(const char *name, const char *const *modules);
const struct symbol *symbols_at(__u64 address); /* a function */

/* peek.c: the kernel's memory, through the program of the object beside the probe's own. 0 or -errno. */
int peek_open(const char *beside);
int peek(__u64 address, void *to, size_t size);
void peek_close(void);

/* tables.c: the callbacks of the running kernel. 0 or -errno after fail(). */
int tables_read(const struct vfs_protocol *protocol, const struct options *options, const struct btf *kernel, struct vfs_callbacks *callbacks);

/* kinds.c: what the arguments of a callback are. */
void kinds_find(struct vfs_callback *callback, const struct btf *btf, const struct btf_type *prototype);

/* functions.c: where the callbacks' functions are in BTF, and with it their prototypes. */
void functions_find(struct vfs_callbacks *callbacks, const struct btf *kernel);

/* clones.c: a pair of programs for each callback. 0 or -errno after fail(). */
int clones_attach(const struct options *options, struct loaded *loaded, struct vfs_callbacks *callbacks);

/* report.c: reads the mapped memory and makes frames of it. */
struct vfs_memory {
	struct aod_vfs_task *tasks;
	struct aod_vfs_stats *stats;
	struct aod_vfs_device *devices;
	struct aod_vfs_losses *losses;
	struct aod_vfs_tunables *tunables;
};
extern struct vfs_memory vfs_memory;
void vfs_start(const struct loaded *loaded);
int vfs_outlier(void *context, void *record, size_t size);
void vfs_outliers_done(void);
void vfs_tick(void);
bool vfs_request(__u16 type, const void *payload, size_t size);

#endif
