// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The ladder on kernels that nobody has at hand, by BTF made here; it checks itself. */
#include <stdarg.h>
#include "../../probe/ladder.c"
#include "../../probe/types.c"
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

static struct hook chosen(int args, const char *hide)
{
	const struct options options = { .hide = hide };
	struct btf *btf = kernel_with(args);
	struct hook hook = answer;

	choose(&hook, &(struct types){ .btf = btf, .first = 1 }, &options);
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
	is(chosen(2, NULL), AOD_RUNG_FENTRY, "answer_f");
	is(chosen(3, NULL), AOD_RUNG_FENTRY, "answer_by_f");
	is(chosen(2, "answer:fentry"), AOD_RUNG_KPROBE, "answer_k");
	is(chosen(3, "answer:fentry"), AOD_RUNG_KPROBE, "answer_by_k");
	/* too few arguments, or none known, are wrong on every rung */
	is(chosen(1, NULL), AOD_RUNG_NONE, NULL);
	is(chosen(1, "answer:fentry"), AOD_RUNG_NONE, NULL);
	is(chosen(-1, NULL), AOD_RUNG_NONE, NULL);
	is(chosen(2, "send,answer"), AOD_RUNG_NONE, NULL);
	return 0;
}

int main(void)
{
	return check_choose();
}
