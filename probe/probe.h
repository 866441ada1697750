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
	const char *object;
	const char *module;
	const char *user;
	const char *hide; /* ROLE or ROLE:fentry, comma-separated: pretend that the hook is not there */
	bool no_fentry; /* start on the lower rung */
	unsigned int tick_ms;
	bool verbose; /* libbpf's and the verifier's words on stderr */
};

/* A role that a kernel function plays, and the programs for it on each rung. */
struct hook {
	const char *name;
	const char *function;
	const char *fentry[2];
	const char *kprobe[2];
	int args;         /* what the fentry form needs in BTF; a trace point has none */
	const char *type; /* a struct without which the hook has nothing to do */
	bool tracepoint;
	bool needed;
	enum aod_rung rung;
	char why[112];
};

extern struct hook hooks[];
extern const size_t n_hooks;

/* The mapped memory of smb_wire. */
struct wire {
	struct aod_smb_op *ops;
	struct aod_index_entry *index;
	struct aod_task *tasks;
	struct aod_smb_target *targets;
	struct aod_smb_stats *stats;
	struct aod_smb_losses *losses;
	struct aod_smb_events *events;
	__u64 *head;
	struct aod_smb_tunables *tunables;
};

#define MAX_PROGRAMS 24

struct bpf_object;
struct ring_buffer;

struct loaded {
	struct bpf_object *object;
	struct wire wire;
	struct ring_buffer *outliers;
	int outliers_fd;
	int program_fds[MAX_PROGRAMS];
	int link_fds[MAX_PROGRAMS];
	int programs;
};

/* ladder.c: which rung each hook can stand on, by what this kernel shows. 0 or -errno. */
int ladder_choose(const struct options *options);

/* load.c: opens, loads, attaches and maps. 0, or -errno after fail(). */
int load(const struct options *options, struct loaded *loaded, int (*on_outlier)(void *, void *, size_t));

/* drop.c: becomes `user` without any capability and closes every file that is not in keep. 0 or -errno after fail(). */
int drop_privileges(const char *user, const int *keep, size_t n_keep);

/* out.c: frames to stdout through a bounded buffer; the process never blocks on its reader. */
int out_init(void);
bool out_pending(void);
int out_flush(void); /* 0, or -errno when the reader is gone */
size_t out_room(void);
bool out_frame(__u16 type, const void *head, size_t head_size, const void *body, size_t body_size);
bool out_open(__u16 type, const void *head, size_t head_size); /* then out_add()*, out_close(); false: no room, nothing written */
bool out_add(const void *data, size_t size);
void *out_head(void); /* of the open frame, to complete counts */
void out_close(void);

/* requests.c: reads stdin and does what it asks. false: the parent closed its end, or does not speak our language (after fail()). */
bool requests_read(void);

/* wire.c: reads the mapped memory and makes frames of it. */
void wire_init(const struct loaded *loaded);
void wire_tick(void);
int wire_outlier(void *context, void *data, size_t size);
void wire_outliers_done(void);
void wire_history(const struct aod_history_request *request);
void wire_history_pump(void);
void wire_set(const struct aod_settings *settings);

/* phases.c: the histograms of the phases, made from the ring at each tick. */
void phases_collect(const struct wire *wire, __u64 head);
size_t phases_take(__u16 target, __u16 command, struct aod_bucket *to, size_t max);
__u64 phases_overtaken(void);
__u32 phases_bucket(__u64 ns);

/* record.c: a copy of a record that is not torn. */
bool record_read(const struct aod_smb_op *from, struct aod_smb_op *to);

/* fail.c: the one error frame. Keeps the first; fail_exit() writes it and gives the exit status. */
int fail(__u32 code, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
int fail_exit(void);
void fail_detail(const char *line); /* a warning of libbpf, shown with the next fail() */

#endif
