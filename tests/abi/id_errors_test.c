/*
 * id_errors_test.c - what the calls on users, groups and capabilities refuse, and prctl(2) with
 * them.
 */
#include "abi.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>

#define GONE 99999999

static struct __user_cap_header_struct head;
static struct __user_cap_data_struct data[2];

CASE(user_ids)
{
	R(sc(setuid, -1));
	R(sc(setgid, -1));
	R(sc(setreuid, -1, -1));
	R(sc(setresgid, -1, -1, -1));
	R(sc(getresuid, BAD_PTR, BAD_PTR, BAD_PTR));
	R(sc(getresgid, BAD_PTR, BAD_PTR, BAD_PTR));
	IN_CHILD
	{
		drop_to(1000, 2000);
		R(sc(setuid, -1));
		R(sc(setuid, 0));
		R(sc(setuid, 1001));
		R(sc(setuid, 1000));
		R(sc(setgid, -1));
		R(sc(setgid, 0));
		R(sc(setgid, 2001));
		R(sc(setgid, 2000));
		R(sc(setreuid, 0, -1));
		R(sc(setreuid, -1, 0));
		R(sc(setreuid, 1000, 1000));
		R(sc(setregid, 0, -1));
		R(sc(setregid, -1, 0));
		R(sc(setregid, 2000, 2000));
		R(sc(setresuid, 0, -1, -1));
		R(sc(setresuid, -1, 0, -1));
		R(sc(setresuid, -1, -1, 0));
		R(sc(setresgid, 0, -1, -1));
		R(sc(setresgid, -1, 0, -1));
		R(sc(setresgid, -1, -1, 0));
		R(sc(setfsuid, 0));
		R(sc(setfsuid, -1));
		R(sc(setfsgid, 0));
		R(sc(setfsgid, -1));
	}
}

CASE(groups)
{
	static gid_t many[65537];

	R(sc(setgroups, 65537, many));
	R(sc(setgroups, -1, many));
	R(sc(setgroups, 1, BAD_PTR));
	R(sc(setgroups, 0, BAD_PTR));
	R(sc(setgroups, 3, many));
	R(sc(getgroups, -1, many));
	R(sc(getgroups, 1, many));
	R(sc(getgroups, 3, BAD_PTR));
	R(sc(getgroups, 0, BAD_PTR));
	many[1] = -1;
	R(sc(setgroups, 2, many));
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(sc(setgroups, 0, NULL));
		R(sc(setgroups, 65537, many));
		R(sc(setgroups, 1, BAD_PTR));
	}
}

CASE(asking_for_capabilities)
{
	head = (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3};
	R(sc(capget, BAD_PTR, data));
	R(sc(capget, NULL, NULL));
	R(sc(capget, &head, BAD_PTR));
	R(sc(capget, &head, NULL));
	head.pid = -1;
	R(sc(capget, &head, data));
	R(sc(capget, &head, NULL));
	head.pid = GONE;
	R(sc(capget, &head, data));
	head.pid = 1;
	R(sc(capget, &head, data));
	head.pid = 0;
	head.version = 0x12345678;
	R(sc(capget, &head, data));
	HEX(head.version);
	head.version = 0;
	R(sc(capget, &head, NULL));
	HEX(head.version);
	head.version = 0;
	head.pid = -1;
	R(sc(capget, &head, NULL));
}

CASE(setting_capabilities)
{
	static struct __user_cap_data_struct more[2];

	head = (struct __user_cap_header_struct){.version = _LINUX_CAPABILITY_VERSION_3};
	sc(capget, &head, data);
	R(sc(capset, BAD_PTR, data));
	R(sc(capset, &head, BAD_PTR));
	R(sc(capset, &head, NULL));
	head.version = 0x12345678;
	R(sc(capset, &head, data));
	HEX(head.version);
	R(sc(capset, &head, data));
	head.pid = GONE;
	R(sc(capset, &head, data));
	head.pid = -1;
	R(sc(capset, &head, data));
	head.pid = 1;
	R(sc(capset, &head, data));
	head.pid = getpid();
	R(sc(capset, &head, data));
	head.pid = 0;
	more[0].effective = 1;
	R(sc(capset, &head, more)); /* effective without permitted */
	IN_CHILD
	{
		memset(data, 0, sizeof(data));
		R(sc(capset, &head, data));
		more[0] = (struct __user_cap_data_struct){.permitted = 1};
		R(sc(capset, &head, more));
		more[0] = (struct __user_cap_data_struct){.inheritable = 1};
		R(sc(capset, &head, more));
		more[0] = (struct __user_cap_data_struct){.effective = 1};
		R(sc(capset, &head, more));
		R(sc(setuid, 1000));
		R(sc(setgid, 1000));
		R(sc(setgroups, 0, NULL));
		R(sc(setdomainname, "x", 1));
		R(sc(sethostname, "x", 1));
		R(sc(chroot, "."));
	}
}

CASE(process_control_of_capabilities)
{
	R(sc(prctl, PR_CAPBSET_READ, 41, 0, 0, 0));
	R(sc(prctl, PR_CAPBSET_READ, -1, 0, 0, 0));
	R(sc(prctl, PR_CAPBSET_READ, 99, 0, 0, 0));
	R(sc(prctl, PR_SET_KEEPCAPS, 2, 0, 0, 0));
	R(sc(prctl, PR_CAP_AMBIENT, 9, 0, 0, 0));
	R(sc(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 99, 0, 0));
	R(sc(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 0, 0, 0));
	R(sc(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 0, 1, 0));
	R(sc(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 99, 0, 0));
	R(sc(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
	R(sc(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	IN_CHILD
	{
		R(sc(prctl, PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED, 0, 0, 0));
		R(sc(prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0));
		R(sc(prctl, PR_SET_SECUREBITS, 0, 0, 0, 0));
		R(sc(prctl, PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED | SECBIT_KEEP_CAPS, 0, 0,
			0));
		R(sc(prctl, PR_SET_SECUREBITS, 1 << 20, 0, 0, 0));
	}
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(sc(prctl, PR_CAPBSET_DROP, 0, 0, 0, 0));
		R(sc(prctl, PR_CAPBSET_DROP, 99, 0, 0, 0));
		R(sc(prctl, PR_SET_SECUREBITS, 0, 0, 0, 0));
		R(sc(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 0, 0, 0));
		R(sc(prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0));
		R(sc(prctl, PR_GET_KEEPCAPS, 0, 0, 0, 0));
	}
}

CASE(process_control)
{
	R(sc(prctl, 99999, 0, 0, 0, 0));
	R(sc(prctl, -1, 0, 0, 0, 0));
	R(sc(prctl, PR_SET_PDEATHSIG, 65, 0, 0, 0));
	R(sc(prctl, PR_SET_PDEATHSIG, -1, 0, 0, 0));
	R(sc(prctl, PR_GET_PDEATHSIG, BAD_PTR, 0, 0, 0));
	R(sc(prctl, PR_SET_DUMPABLE, 2, 0, 0, 0));
	R(sc(prctl, PR_SET_DUMPABLE, -1, 0, 0, 0));
	R(sc(prctl, PR_SET_NAME, BAD_PTR, 0, 0, 0));
	R(sc(prctl, PR_GET_NAME, BAD_PTR, 0, 0, 0));
	R(sc(prctl, PR_SET_TIMING, PR_TIMING_TIMESTAMP, 0, 0, 0));
	R(sc(prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	R(sc(prctl, PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0));
	R(sc(prctl, PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
	R(sc(prctl, PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
	R(sc(prctl, PR_GET_CHILD_SUBREAPER, BAD_PTR, 0, 0, 0));
	R(sc(prctl, PR_GET_TID_ADDRESS, BAD_PTR, 0, 0, 0));
	R(sc(prctl, PR_SET_THP_DISABLE, 1, 1, 1, 0));
	R(sc(prctl, PR_GET_THP_DISABLE, 1, 0, 0, 0));
	R(sc(prctl, PR_SET_TIMERSLACK, 1000, 0, 0, 0));
	R(sc(prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0));
}

CASE(names_of_the_machine)
{
	char name[80] = "x";

	R(sc(sethostname, name, -1));
	R(sc(sethostname, name, 65));
	R(sc(sethostname, BAD_PTR, 3));
	R(sc(setdomainname, name, -1));
	R(sc(setdomainname, name, 65));
	R(sc(setdomainname, BAD_PTR, 3));
	R(sc(gettimeofday, BAD_PTR, NULL));
	R(sc(gettimeofday, NULL, BAD_PTR));
}

/* Another user's list of robust futexes is as private as its memory: ptrace(2), access modes. */
CASE(robust_lists_of_others)
{
	void *list;
	size_t size;
	struct gate ready;
	pid_t other;

	gate_init(&ready);
	other = abi_fork();
	if (!other) {
		drop_to(1001, 1001);
		gate_open(&ready);
		for (;;)
			pause();
	}
	gate_wait(&ready);
	R(sc(get_robust_list, GONE, &list, &size));
	R(sc(get_robust_list, 0, BAD_PTR, &size));
	R(sc(get_robust_list, 0, &list, BAD_PTR));
	R(sc(set_robust_list, BAD_PTR, 23));
	IN_CHILD
	{
		drop_to(1000, 1000);
		R(sc(get_robust_list, other, &list, &size));
		R(sc(get_robust_list, 1, &list, &size));
	}
	kill(other, SIGKILL);
	abi_reap("the other", other);
}
