// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ladder on kernels that nobody has at hand: BTF made here, and lists of symbols from files. usage: ladder choose | ladder look-up FILE
 * `choose` checks itself; `look-up` prints which hooks stand in the file for a module, and for one that is built in.
 */
#include <stdarg.h>
#include "../../probe/ladder.c"
#include "check.h"

int fail(__u32 code, int error, const char *format, ...)
{
	return -1;
}

void fail_detail(const char *line)
{
}

static struct hook answer = {
	"answer", "dequeue_mid", { "answer_f" }, { "answer_k" }, 2, .wider = { 3, { "answer_by_f" }, { "answer_by_k" } },
};

/* BTF of a kernel in which dequeue_mid has so many arguments; -1: it is not there. */
static struct btf *kernel_with(int args)
{
	struct btf *btf = btf__new_empty();
	int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED), proto;

	CHECK_EQ("BTF", number > 0, true);
	if (args < 0)
		return btf;
	proto = btf__add_func_proto(btf, 0);
	for (int i = 0; i < args; i++)
		CHECK_EQ("argument", btf__add_func_param(btf, "argument", number), 0);
	CHECK_EQ("function", btf__add_func(btf, "dequeue_mid", BTF_FUNC_STATIC, proto) > 0, true);
	return btf;
}

static struct hook chosen(int args, bool ftrace, bool symbol, const char *hide)
{
	const struct options options = { .hide = hide };
	struct btf *btf = kernel_with(args);
	struct hook hook = answer;

	choose(&hook, btf, ftrace, symbol, &options);
	btf__free(btf);
	return hook;
}

static void is(struct hook hook, enum aod_rung rung, const char *program)
{
	const char *taken = hook.rung == AOD_RUNG_FENTRY ? hook.fentry[0] : hook.rung == AOD_RUNG_KPROBE ? hook.kprobe[0] : NULL;

	CHECK_EQ("rung", hook.rung, rung);
	CHECK_EQ("why", hook.why[0] == 0, rung == AOD_RUNG_FENTRY);
	CHECK_EQ("program", program ? taken && !strcmp(taken, program) : !taken, true);
}

static int check_choose(void)
{
	/* the form that the function has, on either rung */
	is(chosen(2, true, true, NULL), AOD_RUNG_FENTRY, "answer_f");
	is(chosen(3, true, true, NULL), AOD_RUNG_FENTRY, "answer_by_f");
	is(chosen(2, false, true, NULL), AOD_RUNG_KPROBE, "answer_k");
	is(chosen(3, false, true, NULL), AOD_RUNG_KPROBE, "answer_by_k");
	is(chosen(3, true, true, "answer:fentry"), AOD_RUNG_KPROBE, "answer_by_k");
	/* too few arguments, or none known, are wrong on every rung */
	is(chosen(1, true, true, NULL), AOD_RUNG_NONE, NULL);
	is(chosen(-1, true, true, NULL), AOD_RUNG_NONE, NULL);
	is(chosen(2, false, false, NULL), AOD_RUNG_NONE, NULL);
	is(chosen(2, true, true, "send,answer"), AOD_RUNG_NONE, NULL);
	return 0;
}

static int print_found(const char *file)
{
	static struct hook hooks[] = { { "create", "smb2_setup_request" }, { "send", "__smb_send_rqst" }, { "answer", "dequeue_mid" } };
	const struct probe probe = { .name = "smb_wire", .hooks = hooks, .n_hooks = ARRAY_SIZE(hooks) };
	const struct options options = { .probe = &probe, .module = "cifs" };

	for (int built_in = 0; built_in < 2; built_in++) {
		bool found[ARRAY_SIZE(hooks)] = {};

		CHECK_EQ("look_up", look_up(file, built_in, &options, found), 0);
		printf("%s:", built_in ? "built in" : "module");
		for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
			if (found[i])
				printf(" %s", hooks[i].function);
		printf("\n");
	}
	return 0;
}

int main(int argc, char **argv)
{
	return argc > 2 ? print_found(argv[2]) : check_choose();
}
