/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of aod-probe share. main.c reads as the lifecycle. */
#ifndef AOD_PROBE_H
#define AOD_PROBE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include "frames.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ALL_ONES (~0ull)

struct options {
	const struct probe *probe;
	const char *object;
	const char *module;
	const char *user;
	const char *hide; /* ROLE or ROLE:fentry, comma-separated: pretend that the hook is not there */
	bool no_fentry; /* start on the lower rung */
	bool params; /* smb_wire: what every request asks for */
	unsigned int tick_ms;
	unsigned int quiet_ms; /* a tick in which nothing has happened may come this much later; 0 = none */
	unsigned int outliers_kib; /* of the ring buffer; 0 = as the object says */
	__u8 types;  /* VFS: bit per (type - 1) */
	bool shared; /* VFS: also callbacks that the module shares with others */
	bool paths;  /* VFS: names are whole paths */
	bool verbose; /* libbpf's and the verifier's words on stderr */
};

/* The programs for a function that has one more argument than on other kernels, or more. */
struct form {
	int args;
	const char *fentry[2];
	const char *kprobe[2];
};

/* A role that a kernel function plays, and the programs for it on each rung. */
struct hook {
	const char *name;
	const char *function;
	const char *fentry[2];
	const char *kprobe[2];
	int args;         /* what the fentry form needs in BTF; a trace point has none */
	const char *type; /* a struct without which the hook has nothing to do */
	const char *trace[2]; /* raw trace points, for which no BTF is needed */
	bool tracepoint;
	bool needed;
	struct form wider; /* taken instead where BTF says that the function has at least so many arguments */
	enum aod_rung rung;
	char why[112];
};

/* A section of the object's memory, and where its mapping goes. */
struct section {
	const char *name;
	size_t size;
	void *to; /* address of the pointer */
};

#define MAX_PROGRAMS 512

struct bpf_object;
struct btf;
struct ring_buffer;

struct loaded {
	struct bpf_object *object;
	struct ring_buffer *outliers;
	int outliers_fd;
	int program_fds[MAX_PROGRAMS];
	int link_fds[MAX_PROGRAMS];
	int programs;
};

/*
 * What one kind of probe brings; its folder has one of these. load_hooks() loads whoever has a table of hooks, in the order of an
 * operation's life; a probe that finds its hooks itself brings its own `load`, and all programs of its object are loaded. `request` returns false for what it does not know.
 */
struct probe {
	const char *name;
	const char *module; /* whose functions it hooks, unless told otherwise */
	const struct probe *without_btf; /* serves instead where the module has no BTF; its object stands beside this one's */
	__u32 ring;         /* ops in its history; 0 = it keeps none */
	__u32 op_size;
	struct hook *hooks;
	size_t n_hooks;
	const struct section *sections;
	size_t n_sections;
	int (*load)(const struct options *options, struct loaded *loaded);
	int (*prepare)(const struct options *options, struct bpf_object *object); /* before the load: constants. 0 or -errno after fail() */
	int (*on_outlier)(void *context, void *record, size_t size); /* -EAGAIN: taken, and no more for now */
	void (*outliers_done)(void); /* all that were there have been handed over */
	void (*start)(const struct loaded *loaded);
	void (*hello)(void); /* adds what comes after the hooks in HELLO; NULL = nothing */
	void (*tick)(void);
	void (*pump)(void); /* goes on with a long answer when there is room */
	bool (*request)(__u16 type, const void *payload, size_t size);
};

extern const struct probe smb_wire;
extern const struct probe smb_trace;
extern const struct probe smb_vfs;
extern const struct probe nfs_vfs;
extern const struct probe nfs_rpc;
extern const struct probe rpc_trace;

/* ladder.c: which rung each hook of the probe can stand on, by what this kernel shows. 0 or -errno. */
int ladder_choose(const struct options *options);
const struct types *ladder_types(const struct options *options); /* of the module, or of the kernel that it is built into; NULL: none */
int ladder_ready(const struct options *options); /* is the module there, and the kernel's BTF? 0 or -errno after fail() */
bool ladder_module_btf(const struct options *options); /* has the module BTF, of its own or, built in, in the kernel's? */
void ladder_no_btf(struct hook *hook, const struct options *options); /* why a hook that needs the module's BTF does not stand */

/* types.c: BTF of the kernel or of a module; it stays until types_free(). */
#define KERNEL "vmlinux"
struct types {
	char owner[16];
	struct btf *btf;
	__u32 first; /* id of the first type of its own */
	int fd;      /* the kernel's handle; 0 = the kernel's own types need none, -1 = it has gone */
};
const struct types *types_of(const char *owner); /* KERNEL or a module; NULL: it has none */
__u32 types_find(const struct types *types, const char *name, __u32 kind); /* id of the owner's own type; 0: not there */
void types_free(void);

bool hook_stands(const struct probe *probe, const char *name);
bool hook_hidden(const char *list, const char *role, const char *rung); /* is ROLE, or ROLE:RUNG, in the comma-separated list? */

/* load.c: opens, loads, attaches and maps. 0, or -errno after fail(). */
int load_hooks(const struct options *options, struct loaded *loaded);
int load_chosen(const struct options *options, struct loaded *loaded); /* on the rungs that the hooks have already */
int object_beside(const char *object, const char *name, char *path, size_t size); /* NAME.bpf.o in the same directory */
int load_object(const struct options *options, struct loaded *loaded); /* without attaching; what it had loaded before is the caller's to close */
int load_set_section(struct bpf_object *object, const char *section, const void *value, size_t size); /* before the load: what it begins with */
__u64 load_recursion_misses(const struct loaded *loaded); /* runs that the kernel left out, of all programs */
void load_listen(const struct options *options); /* libbpf's words go to stderr or into the next error */

/* drop.c: becomes `user` without any capability and closes every file that is not in keep. 0 or -errno after fail(). */
int drop_privileges(const char *user, const int *keep, size_t n_keep);

/* out.c: frames to stdout through a bounded buffer; the process never blocks on its reader. */
/*
 * With less room than this no outlier is taken out of the ring buffer: a tick and what is in flight, each a frame of the largest size,
 * and what a probe has gathered of outliers.
 */
#define OUT_LOW (2u * AOD_FRAME_MAX + (512u << 10))
int out_init(void);
bool out_pending(void);
int out_flush(void); /* 0, or -errno when the reader is gone */
size_t out_room(void);
bool out_frame(__u16 type, const void *head, size_t head_size, const void *body, size_t body_size);
bool out_open(__u16 type, const void *head, size_t head_size); /* then out_add()*, out_close(); false: no room, nothing written */
bool out_fits(size_t size); /* into the open frame */
bool out_add(const void *data, size_t size);
void *out_head(void); /* of the open frame, to complete counts */
void out_close(void);

/* notify.c: the lines of stdin to the service manager. The exit status. */
int notify_run(void);

/* keys.c: the keys of the SMB session that a path belongs to, to stdout. The exit status. */
int keys_run(const char *path);

/* requests.c: reads stdin and does what it asks. false: the parent closed its end, or does not speak our language (after fail()). */
bool requests_read(const struct probe *probe);

/* clock.c: CLOCK_MONOTONIC in ns. */
__u64 now_ns(void);

/* fail.c: the one error frame. Keeps the first; fail_exit() writes it and gives the exit status. */
int fail(__u32 code, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool failed(void);
int fail_exit(void);
void fail_detail(const char *line); /* a warning of libbpf, shown with the next fail() */

#endif
