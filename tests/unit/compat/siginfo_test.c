/*
 * siginfo_test.c - siginfo_t: the union's member follows from signal and code.
 */
/* LINK: compat/siginfo.c */
#include <string.h>
#include <unit.h>
#include "compat/abi/signal.h"

TEST(kill_gives_sender)
{
	struct siginfo in = {.signo = SIGTERM, .code = SI_USER, .pid = 42, .uid = 7};
	struct linux_siginfo out;

	siginfo_to_linux(&in, &out);
	EXPECT_EQ(out.signo, SIGTERM);
	EXPECT_EQ(out.code, 0);
	EXPECT_EQ(out.rt.pid, 42);
	EXPECT_EQ(out.rt.uid, 7);
}

TEST(fault_gives_address)
{
	struct siginfo in = {.signo = SIGSEGV, .code = SEGV_ACCERR, .addr = 0x123456789abc};
	struct linux_siginfo out;

	siginfo_to_linux(&in, &out);
	EXPECT_EQ(out.fault.addr, 0x123456789abc);
	EXPECT_EQ(*(uint64_t *)((char *)&out + 16), 0x123456789abc);
}

TEST(child_gives_status_at_its_offset)
{
	struct siginfo in = {.signo = SIGCHLD,
		.code = CLD_EXITED,
		.pid = 5,
		.uid = 1,
		.status = 3,
		.utime = 10,
		.stime = 20};
	struct linux_siginfo out;

	siginfo_to_linux(&in, &out);
	EXPECT_EQ(*(int32_t *)((char *)&out + 24), 3);
	EXPECT_EQ(*(int64_t *)((char *)&out + 32), 10);
	EXPECT_EQ(*(int64_t *)((char *)&out + 40), 20);
}

TEST(timer_gives_id_overrun_and_value)
{
	struct siginfo in = {
		.signo = SIGALRM, .code = SI_TIMER, .timer_id = 2, .overrun = 9, .value = 77};
	struct linux_siginfo out;

	siginfo_to_linux(&in, &out);
	EXPECT_EQ(*(int32_t *)((char *)&out + 16), 2);
	EXPECT_EQ(*(int32_t *)((char *)&out + 20), 9);
	EXPECT_EQ(*(uint64_t *)((char *)&out + 24), 77);
}

TEST(queued_info_comes_back_as_it_was)
{
	struct linux_siginfo sent = {.signo = 1, .code = SI_QUEUE, .error = 4}, out;
	struct siginfo kept;

	memset(sent.raw, 0x5a, sizeof(sent.raw));
	siginfo_from_linux(&sent, SIGUSR1, &kept);
	siginfo_to_linux(&kept, &out);
	EXPECT_EQ(out.signo, SIGUSR1);
	EXPECT_EQ(out.error, 4);
	EXPECT_MEM(out.raw, sent.raw, sizeof(out.raw));
}
