/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of the SMB wire probe share. */
#ifndef AOD_WIRE_H
#define AOD_WIRE_H

#include "../failures.h"
#include "../probe.h"

/* The mapped memory of smb_wire. */
struct wire {
	struct aod_smb_op *ops;
	struct aod_index_entry *index;
	struct aod_task *tasks;
	struct aod_smb_target *targets;
	struct aod_smb_stats *stats;
	struct aod_failure_place *failures;
	struct aod_smb_losses *losses;
	struct aod_smb_events *events;
	__u64 *head;
	struct aod_smb_tunables *tunables;
};

/* wire.c: reads the mapped memory and makes frames of it. */
extern struct wire wire;
void wire_start(const struct loaded *loaded);
void wire_release_has_understudy(bool has); /* a release that both programs miss is a ghost; a run that one misses is no loss */
void wire_tick(void);
void wire_quiet(unsigned int ticks); /* while nothing happens, of so many ticks one is told */
void wire_set(const struct aod_settings *settings);
__u64 wire_oldest(__u64 head); /* number of the oldest op that the ring still has */
__u32 wire_places(void); /* of open requests */
struct aod_index_entry wire_place(__u32 i);

/* history.c: the ops that the ring still has. */
void wire_history(const struct aod_history_request *request);
void wire_history_pump(void);

/* outliers.c: what comes through the ring buffer. */
int wire_outlier(void *context, void *data, size_t size);
void wire_outliers_done(void);
bool wire_add_op(struct aod_smb_op *op); /* to the open frame, without its kernel address */
__u64 wire_outliers_lost(void); /* records not written because the reader was too slow */

/* request.c: before the load: nothing is an outlier yet. Then false for what this probe does not know. */
int wire_prepare(struct bpf_object *object);
bool wire_request(__u16 type, const void *payload, size_t size);

/* phases.c: the histograms of the phases, made from the ring at each tick. */
void phases_collect(const struct wire *wire, __u64 head);
size_t phases_take(__u16 target, __u16 command, struct aod_bucket *to, size_t max);
__u64 phases_overtaken(void);
__u32 phases_bucket(__u64 ns);

/* targets.c: gives back the places of targets that nobody uses any more. */
void targets_seen(__u32 target, bool busy); /* at each tick, of each target that has a place: whether it had ops */
void targets_recycle(const struct wire *wire);

/* understudy.c: has the hook a second program for what the first one misses, and does this kernel miss any? If not, it is left out. */
bool understudy_keep(struct hook *hook, struct bpf_object *object);
bool understudy_preempts(const char *model, const char *version);

/* record.c: a copy of a record that is not torn. */
bool record_read(const struct aod_smb_op *from, struct aod_smb_op *to);

#endif
