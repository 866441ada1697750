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
KEEP(aod_failure);
KEEP(aod_bucket);
KEEP(aod_inflight);
KEEP(aod_waiter);
KEEP(aod_history);
KEEP(aod_history_request);
KEEP(aod_settings);
KEEP(aod_lost);
KEEP(aod_error);
KEEP(aod_vfs_hello);
KEEP(aod_vfs_callback);
KEEP(aod_vfs_op);
KEEP(aod_vfs_tick);
KEEP(aod_vfs_tick_entry);
KEEP(aod_vfs_running);
KEEP(aod_vfs_tunables);
KEEP(aod_vfs_settings);
KEEP(aod_rpc_op);
KEEP(aod_rpc_path);
KEEP(aod_rpc_target);
KEEP(aod_rpc_tunables);
KEEP(aod_rpc_settings);
KEEP(aod_rpc_tick);
KEEP(aod_rpc_tick_entry);
KEEP(aod_rpc_failure);

enum aod_limit {
	AOD_LIMIT_RING = AOD_RING,
	AOD_LIMIT_COMMANDS = AOD_COMMANDS,
	AOD_LIMIT_BUCKETS = AOD_BUCKETS,
	AOD_LIMIT_TOLD = AOD_TOLD,
	AOD_LIMIT_VFS_CALLBACKS = AOD_VFS_CALLBACKS,
	AOD_LIMIT_VFS_TEXT = AOD_VFS_TEXT,
	AOD_LIMIT_RPC_PROCEDURES = AOD_RPC_PROCEDURES,
	AOD_LIMIT_FRAME_VERSION = AOD_FRAME_VERSION,
	AOD_LIMIT_FRAME_MAX = AOD_FRAME_MAX,
};

enum aod_limit keep_limit;
enum aod_vfs_type keep_vfs_type;
enum aod_vfs_kind keep_vfs_kind;
enum aod_vfs_return keep_vfs_return;
enum aod_vfs_flag keep_vfs_flag;
enum aod_op_state keep_op_state;
enum aod_op_flag keep_op_flag;
enum aod_wait_kind keep_wait_kind;
enum aod_frame_type keep_frame_type;
enum aod_rung keep_rung;
enum aod_histogram keep_histogram;
enum aod_lost_kind keep_lost_kind;
enum aod_rpc_state keep_rpc_state;
enum aod_rpc_flag keep_rpc_flag;
