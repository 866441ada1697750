// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The hooks of smb_wire with nothing in them: what attaching costs before anything is recorded. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define EMPTY(name, where) \
	SEC(where) int empty_##name(void *ctx) { return 0; }

EMPTY(credits, "fentry/wait_for_free_credits")
EMPTY(granted, "fexit/wait_for_free_credits")
EMPTY(mtu, "fentry/smb2_wait_mtu_credits")
EMPTY(mtu_done, "fexit/smb2_wait_mtu_credits")
EMPTY(create, "fexit/smb2_setup_request")
EMPTY(async, "fexit/smb2_setup_async_request")
EMPTY(send, "fexit/__smb_send_rqst")
EMPTY(answer, "fentry/dequeue_mid")
EMPTY(release, "fentry/__release_mid")
EMPTY(deferred, "fentry/smb2_deferred_work_close")
EMPTY(write, "fentry/smb2_async_writev")
EMPTY(reconnect, "tp_btf/smb3_reconnect")

char LICENSE[] SEC("license") = "Dual BSD/GPL";
