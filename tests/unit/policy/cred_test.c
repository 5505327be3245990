/*
 * cred_test.c - credentials: set*id rules, capability transitions, groups.
 */
/* LINK: kernel/policy/cred.c kernel/policy/cred_exec.c kernel/policy/policy.c */
#include <cred.h>
#include <error.h>
#include <policy.h>
#include <task.h>
#include <unit.h>

static struct cred *fresh(const struct cred *from)
{
	static bool ready;

	if (!ready)
		policy_init();
	ready = true;
	return cred_prepare(from);
}

static struct cred *user(uid_t uid)
{
	struct cred *c = fresh(&cred_kernel);

	c->uid = c->euid = c->suid = c->fsuid = uid;
	c->gid = c->egid = c->sgid = c->fsgid = uid;
	c->effective = c->permitted = 0;
	return c;
}

TEST(setuid_of_a_capable_one_sets_all_ids_and_drops_capabilities)
{
	struct cred *c = fresh(&cred_kernel);

	EXPECT_EQ(cred_setuid(c, 1000), 0);
	EXPECT_EQ(c->uid, 1000);
	EXPECT_EQ(c->suid, 1000);
	EXPECT_EQ(c->fsuid, 1000);
	EXPECT_EQ(c->effective, 0);
	EXPECT_EQ(c->permitted, 0);
	EXPECT_EQ(cred_setuid(c, 0), -EPERM);
	EXPECT_EQ(cred_setuid(c, -1u), -EINVAL);
	cred_put(c);
}

TEST(keep_caps_keeps_the_permitted_set_only)
{
	struct cred *c = fresh(&cred_kernel);

	c->securebits |= SECBIT_KEEP_CAPS;
	EXPECT_EQ(cred_setresuid(c, 5, 5, 5), 0);
	EXPECT_EQ(c->permitted, CAP_ALL);
	EXPECT_EQ(c->effective, 0);
	cred_put(c);
}

TEST(effective_id_may_go_away_and_come_back)
{
	struct cred *c = fresh(&cred_kernel);

	EXPECT_EQ(cred_setresuid(c, -1u, 7, -1u), 0);
	EXPECT_EQ(c->effective, 0);
	EXPECT_EQ(c->permitted, CAP_ALL);
	EXPECT_EQ(cred_setresuid(c, -1u, 0, -1u), 0);
	EXPECT_EQ(c->effective, CAP_ALL);
	cred_put(c);
}

TEST(unprivileged_changes_stay_among_own_ids)
{
	struct cred *c = user(10);

	c->suid = 20;
	EXPECT_EQ(cred_setreuid(c, 20, -1u), -EPERM);
	EXPECT_EQ(cred_setreuid(c, -1u, 20), 0);
	EXPECT_EQ(c->euid, 20);
	EXPECT_EQ(c->suid, 20);
	EXPECT_EQ(cred_setresuid(c, 30, -1u, -1u), -EPERM);
	EXPECT_EQ(cred_setfsuid(c, 99), 20);
	EXPECT_EQ(c->fsuid, 20);
	EXPECT_EQ(cred_setregid(c, -1u, 11), -EPERM);
	EXPECT_EQ(cred_setgid(c, 10), 0);
	cred_put(c);
}

TEST(groups_are_found_and_need_a_capability)
{
	gid_t list[] = {900, 3, 77, 3, 12};
	struct cred *c = fresh(&cred_kernel), *u = user(4);

	EXPECT_EQ(cred_setgroups(c, list, 5), 0);
	EXPECT(cred_in_group(c, 3));
	EXPECT(cred_in_group(c, 900));
	EXPECT(cred_in_group(c, 12));
	EXPECT(!cred_in_group(c, 13));
	EXPECT(cred_in_group(c, 0));
	EXPECT_EQ(cred_setgroups(u, list, 5), -EPERM);
	cred_put(c);
	cred_put(u);
}

TEST(exec_of_a_set_user_id_root_file_gives_capabilities_and_is_secure)
{
	struct cred *c = user(1000);
	bool secure = false;

	EXPECT_EQ(cred_exec(c, 04755, 0, 0, false, &secure), 0);
	EXPECT(secure);
	EXPECT_EQ(c->euid, 0);
	EXPECT_EQ(c->suid, 0);
	EXPECT_EQ(c->uid, 1000);
	EXPECT_EQ(c->effective, CAP_ALL);
	cred_put(c);
}

TEST(exec_honours_nosuid_and_no_new_privs_and_ordinary_programs_are_not_secure)
{
	struct cred *c = user(1000);
	bool secure = true;

	EXPECT_EQ(cred_exec(c, 04755, 0, 0, true, &secure), 0);
	EXPECT(!secure);
	EXPECT_EQ(c->euid, 1000);
	c->no_new_privs = true;
	EXPECT_EQ(cred_exec(c, 06755, 0, 0, false, &secure), 0);
	EXPECT_EQ(c->euid, 1000);
	EXPECT_EQ(c->effective, 0);
	cred_put(c);
}

TEST(the_bounding_set_limits_what_exec_by_root_gains)
{
	struct cred *c = fresh(&cred_kernel);
	bool secure = true;

	c->bounding &= ~(1ull << CAP_SYS_BOOT);
	EXPECT_EQ(cred_exec(c, 0755, 0, 0, false, &secure), 0);
	EXPECT_EQ(c->permitted, CAP_ALL & ~(1ull << CAP_SYS_BOOT));
	EXPECT(!secure);
	cred_put(c);
}

TEST(capset_cannot_raise_what_is_not_permitted)
{
	struct cred *c = user(9);

	c->permitted = 6;
	EXPECT_EQ(cred_capset(c, 8, 14, 0), -EPERM);
	EXPECT_EQ(cred_capset(c, 2, 6, 2), 0);
	EXPECT_EQ(c->effective, 2);
	EXPECT_EQ(cred_capset(c, 4, 2, 0), -EPERM);
	cred_put(c);
}

TEST(commit_replaces_and_tells_about_changed_identity)
{
	long before = alloc_live();
	struct cred *c = fresh(&cred_kernel);

	current->cred = &cred_kernel;
	EXPECT_EQ(cred_setuid(c, 1), 0);
	cred_commit(c);
	EXPECT(current->cred == c);
	EXPECT(!capable(CAP_KILL));
	EXPECT_EQ(policy_capable(&cred_kernel, CAP_KILL), 0);
	EXPECT_EQ(policy_capable(&cred_kernel, 63), -EPERM);
	cred_put(c);
	current->cred = NULL;
	unit_rcu_flush();
	EXPECT_EQ(alloc_live(), before);
}
