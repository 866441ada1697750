// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One global of every struct and enum that frames carry, so that their BTF is in one object: the decoders are generated from it. Never loaded. */
#include <linux/types.h>
#include "frames.h"

#define KEEP(type) struct type keep_##type
KEEP(aod_smb_op);
KEEP(aod_smb_params);
KEEP(aod_smb_tunables);
KEEP(aod_smb_events);
KEEP(aod_frame);
KEEP(aod_hook);
KEEP(aod_hello);
KEEP(aod_tick);
KEEP(aod_tick_entry);
KEEP(aod_bucket);
KEEP(aod_inflight);
KEEP(aod_waiter);
KEEP(aod_history);
KEEP(aod_history_request);
KEEP(aod_settings);
KEEP(aod_lost);
KEEP(aod_error);

enum aod_limit {
	AOD_LIMIT_RING = AOD_RING,
	AOD_LIMIT_COMMANDS = AOD_COMMANDS,
	AOD_LIMIT_BUCKETS = AOD_BUCKETS,
	AOD_LIMIT_FRAME_VERSION = AOD_FRAME_VERSION,
	AOD_LIMIT_FRAME_MAX = AOD_FRAME_MAX,
};

enum aod_limit keep_limit;
enum aod_op_state keep_op_state;
enum aod_op_flag keep_op_flag;
enum aod_wait_kind keep_wait_kind;
enum aod_frame_type keep_frame_type;
enum aod_rung keep_rung;
enum aod_histogram keep_histogram;
enum aod_lost_kind keep_lost_kind;
