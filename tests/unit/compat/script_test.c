/*
 * script_test.c - "#!" lines: what becomes interpreter and argument, and what is refused.
 */
/* LINK: compat/script.c */
#include <error.h>
#include <exec.h>
#include <string.h>
#include <unit.h>
#include "compat/personality.h"

static char interpreter[300], argument[300];
static bool has_argument;
static unsigned calls;

int exec_restart(struct exec_args *a, const char *i, const char *arg)
{
	calls++;
	strlcpy(interpreter, i, sizeof(interpreter));
	has_argument = arg != NULL;
	strlcpy(argument, arg ? arg : "", sizeof(argument));
	return 0;
}

static int load(const char *text)
{
	struct exec_args a = {0};

	calls = 0;
	memcpy(a.head, text, MIN(strlen(text), sizeof(a.head)));
	return script_load(&a);
}

TEST(plain_line_has_no_argument)
{
	EXPECT_EQ(load("#!/bin/sh\necho\n"), 0);
	EXPECT_STR(interpreter, "/bin/sh");
	EXPECT(!has_argument);
}

TEST(all_behind_the_name_is_one_argument)
{
	EXPECT_EQ(load("#! \t/usr/bin/env  python3 -u \t\nx"), 0);
	EXPECT_STR(interpreter, "/usr/bin/env");
	EXPECT_STR(argument, "python3 -u");
}

TEST(line_may_end_with_the_file)
{
	EXPECT_EQ(load("#!/bin/true"), 0);
	EXPECT_STR(interpreter, "/bin/true");
}

TEST(others_are_not_scripts)
{
	EXPECT_EQ(load(""), -ENOEXEC);
	EXPECT_EQ(load("#/bin/sh\n"), -ENOEXEC);
	EXPECT_EQ(load("#!\n"), -ENOEXEC);
	EXPECT_EQ(load("#!   \t \n"), -ENOEXEC);
	EXPECT_EQ(calls, 0);
}

TEST(name_that_does_not_fit_is_refused_but_a_long_argument_is_cut)
{
	char text[300];

	memset(text, 'x', sizeof(text));
	memcpy(text, "#!/", 3);
	text[299] = '\0';
	EXPECT_EQ(load(text), -ENOEXEC);
	text[40] = ' ';
	EXPECT_EQ(load(text), 0);
	EXPECT_EQ(strlen(interpreter), 38);
	EXPECT(has_argument);
}
