/*
 * ids_test.c - user and group ids, supplementary groups, capabilities and what they permit.
 */
#include "abi.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

static struct __user_cap_data_struct caps[2];

static void show_ids(const char *what)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;

	getresuid(&r, &e, &s);
	getresgid(&gr, &ge, &gs);
	say("%s: uid %u %u %u gid %u %u %u", what, r, e, s, gr, ge, gs);
}

static void show_caps(const char *what)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	memset(caps, 0, sizeof(caps));
	if (sc(capget, &head, caps) < 0)
		say("%s: %s", what, errno_name(errno));
	else
		say("%s: effective %x %x permitted %x %x inheritable %x %x", what,
			caps[1].effective, caps[0].effective, caps[1].permitted, caps[0].permitted,
			caps[1].inheritable, caps[0].inheritable);
}

static long set_caps(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	caps[0].effective = (unsigned)effective;
	caps[1].effective = (unsigned)(effective >> 32);
	caps[0].permitted = (unsigned)permitted;
	caps[1].permitted = (unsigned)(permitted >> 32);
	caps[0].inheritable = (unsigned)inheritable;
	caps[1].inheritable = (unsigned)(inheritable >> 32);
	return sc(capset, &head, caps);
}

CASE(as_root)
{
	show_ids("start");
	IN_CHILD
	{
		R(sc(setuid, 1000));
		show_ids("setuid");
		R(sc(setuid, 0));
		R(sc(setuid, 1000));
	}
	IN_CHILD
	{
		R(sc(setreuid, 1000, -1));
		show_ids("setreuid r");
		R(sc(setreuid, -1, 2000));
		show_ids("setreuid e");
		R(sc(setreuid, 3000, -1));
		R(sc(setreuid, 2000, 1000));
		show_ids("swapped");
	}
	IN_CHILD
	{
		R(sc(setresuid, 1000, 2000, 3000));
		show_ids("setresuid");
		R(sc(setresuid, 3000, -1, -1));
		R(sc(setresuid, -1, 1000, 2000));
		show_ids("setresuid");
		R(sc(setresuid, 4000, -1, -1));
		R(sc(setuid, 2000));
		show_ids("setuid");
		R(sc(setuid, 3000));
		R(sc(setuid, 77));
		R(sc(setreuid, -1, 2000));
		R(sc(setreuid, 77, -1));
		R(sc(setreuid, -1, 77));
	}
	IN_CHILD
	{
		R(sc(setresuid, -1, 1000, -1));
		show_ids("seteuid");
		R(open("/proc/1/mem", O_RDONLY) < 0);
		R(sc(setuid, 0));
		show_ids("and back");
		R(sc(setuid, -1));
		R(sc(setreuid, -1, -1));
		R(sc(setresuid, -1, -1, -1));
	}
}

CASE(group_ids)
{
	IN_CHILD
	{
		R(sc(setgid, 1000));
		show_ids("setgid");
		R(sc(setregid, 2000, 3000));
		show_ids("setregid");
		R(sc(setresgid, 1, 2, 3));
		show_ids("setresgid");
		R(sc(setuid, 1000));
		R(sc(setgid, 3));
		show_ids("setgid as user");
		R(sc(setgid, 2));
		R(sc(setgid, 0));
		R(sc(setregid, -1, 1));
		R(sc(setregid, 99, -1));
		R(sc(setresgid, -1, 99, -1));
		R(sc(setgid, -1));
	}
}

CASE(pointers)
{
	uid_t a, b;

	R(sc(getresuid, &a, &b, BAD_PTR));
	R(sc(getresgid, BAD_PTR, &a, &b));
	R(sc(getgroups, -1, NULL));
	R(sc(setgroups, 2, BAD_PTR));
	R(sc(setgroups, 65537, NULL));
	R(sc(setgroups, -1, NULL));
}

CASE(groups)
{
	gid_t list[40], set[] = {5, 3, 9, 3};

	R(setgroups(4, set));
	R(getgroups(0, NULL));
	R(getgroups(3, list));
	R(getgroups(40, list));
	say("%u %u %u %u", list[0], list[1], list[2], list[3]);
	R(sc(getgroups, 40, BAD_PTR));
	R(setgroups(0, NULL));
	R(getgroups(40, list));
	R(sc(getgroups, 0, BAD_PTR));
	put("f", "x");
	chown("f", 0, 9);
	chmod("f", 0640);
	R(setgroups(4, set));
	IN_CHILD
	{
		setresgid(1000, 1000, 1000);
		setresuid(1000, 1000, 1000);
		R(setgroups(0, NULL));
		R(getgroups(0, NULL));
		R(open("f", O_RDONLY));
		R(open("f", O_RDWR));
	}
}

CASE(file_system_ids)
{
	put("f", "x");
	chmod("f", 0600);
	IN_CHILD
	{
		R(setfsuid(1000));
		R(setfsuid(-1));
		R(open("f", O_RDONLY));
		R(setfsgid(1000));
		R(setfsgid(-1));
		R(setfsuid(0));
		R(open("f", O_RDONLY));
		R(setresuid(1000, 1000, 1000));
		R(setfsuid(2000));
		R(setfsuid(-1));
	}
}

CASE(capability_calls)
{
	struct __user_cap_header_struct head = {.version = 0x12345678};

	R(sc(capget, &head, caps));
	HEX(head.version);
	head.version = 0x12345678;
	R(sc(capget, &head, NULL));
	R(sc(capset, &head, caps));
	head.version = _LINUX_CAPABILITY_VERSION_3;
	head.pid = 99999;
	R(sc(capget, &head, caps));
	head.pid = -1;
	R(sc(capget, &head, caps));
	head.pid = 1;
	R(sc(capset, &head, caps));
	R(sc(capget, BAD_PTR, caps));
	head.pid = 0;
	R(sc(capget, &head, BAD_PTR));
	head.version = _LINUX_CAPABILITY_VERSION_1;
	R(sc(capget, &head, caps));
	show_caps("start");
	R(set_caps(1, 3, 0));
	show_caps("two permitted");
	R(set_caps(4, 3, 0));
	R(set_caps(3, 7, 0));
	R(set_caps(2, 3, 1));
	show_caps("inheritable");
	R(set_caps(0, 0, 1));
	R(set_caps(0, 0, 3));
	R(set_caps(1, 1, 0));
	show_caps("none");
}

CASE(capabilities_follow_ids)
{
	IN_CHILD
	{
		setresuid(-1, 1000, -1);
		show_caps("effective id changed");
		setresuid(-1, 0, -1);
		show_caps("and back");
		setresuid(1000, 1000, 1000);
		show_caps("all ids changed");
	}
	IN_CHILD
	{
		prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
		setresuid(1000, 1000, 1000);
		show_caps("kept");
		R(set_caps(1, 1, 0));
		show_caps("raised again");
		R(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
	}
	IN_CHILD
	{
		setfsuid(1000);
		show_caps("fsuid changed");
		setfsuid(0);
		show_caps("fsuid back");
	}
}

/* As uid 1000 with one capability only. */
static void only(int number)
{
	prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	setgroups(0, NULL);
	setresgid(1000, 1000, 1000);
	setresuid(1000, 1000, 1000);
	if (set_caps(1ull << number, 1ull << number, 0) < 0)
		say("capset: %s", errno_name(errno));
}

CASE(what_capabilities_permit)
{
	put("roots", "x");
	chmod("roots", 0600);
	mkdir("shut", 0700);
	put("shut/f", "x");
	IN_CHILD
	{
		only(CAP_DAC_OVERRIDE);
		R(open("roots", O_RDWR));
		R(open("shut/new", O_RDWR | O_CREAT, 0644));
		R(chmod("roots", 0644));
		R(chown("roots", 1, 1));
	}
	IN_CHILD
	{
		only(CAP_DAC_READ_SEARCH);
		R(open("roots", O_RDONLY));
		R(open("roots", O_WRONLY));
		R(open("shut/f", O_RDONLY));
		R(open("shut", O_RDONLY));
	}
	IN_CHILD
	{
		only(CAP_FOWNER);
		R(chmod("roots", 0644));
		R(chmod("roots", 0600));
		R(open("roots", O_RDWR));
		R(utimensat(AT_FDCWD, "roots", (struct timespec[2]){{1, 0}, {2, 0}}, 0));
	}
	IN_CHILD
	{
		only(CAP_CHOWN);
		R(chown("roots", 5, 6));
		R(chown("roots", 0, 0));
	}
	IN_CHILD
	{
		only(CAP_SETUID);
		R(setresuid(7, 8, 9));
		R(setresgid(7, 8, 9));
		show_ids("setuid");
	}
	IN_CHILD
	{
		only(CAP_SETGID);
		R(setgroups(1, (gid_t[]){5}));
		R(setresgid(7, 8, 9));
		R(setresuid(7, 8, 9));
	}
	IN_CHILD
	{
		only(CAP_KILL);
		R(kill(getppid(), 0));
		R(kill(getppid(), SIGCONT));
	}
	IN_CHILD
	{
		only(CAP_SYS_CHROOT);
		R(chroot("."));
	}
	IN_CHILD
	{
		only(CAP_SYS_NICE);
		R(nice(-5));
	}
	IN_CHILD
	{
		only(CAP_MKNOD);
		umask(0);
		R(mknod("dev", S_IFCHR | 0600, 0x103));
	}
	IN_CHILD
	{
		only(CAP_NET_RAW);
		R(sethostname("x", 1));
		R(chroot("."));
		R(nice(-5));
		R(kill(getppid(), 0));
		R(sc(settimeofday, NULL, NULL));
		R(sc(reboot, 0xfee1dead, 672274793, 0, 0));
		R(sc(mount, "none", "shut", "tmpfs", 0, 0));
		R(sc(umount2, "/proc", 0));
		R(sc(swapon, "roots", 0));
		R(sc(pivot_root, ".", "."));
		R(sc0(vhangup));
	}
}
