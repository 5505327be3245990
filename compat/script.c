/*
 * script.c - programs whose first line names an interpreter: "#!interpreter [argument]".
 *
 * Spec: execve(2), "Interpreter scripts": at most 255 characters, everything behind the name is one
 * argument. Depth is counted by exec_restart().
 */
#include <error.h>
#include <string.h>
#include "personality.h"

#define LINE_MAX 255u

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Cut the line out of the file's head: false if it is not a usable one. */
static bool first_line(const uint8_t *head, char line[LINE_MAX + 1])
{
	const char *text = (const char *)head + 2;
	size_t room = LINE_MAX - 2, n = 0;

	while (n < room && text[n] && text[n] != '\n')
		n++;
	memcpy(line, text, n);
	line[n] = '\0';
	if (n < room)
		return true;
	/* Longer than what was read: the name at least must be whole. */
	size_t i = 0;

	while (i < n && is_blank(line[i]))
		i++;
	while (i < n && !is_blank(line[i]))
		i++;
	return i < n;
}

int script_load(struct exec_args *a)
{
	char line[LINE_MAX + 1];
	char *name = line, *arg, *end;

	if (a->head[0] != '#' || a->head[1] != '!')
		return -ENOEXEC;
	if (!first_line(a->head, line))
		return -ENOEXEC;
	end = line + strlen(line);
	while (end > line && is_blank(end[-1]))
		*--end = '\0';
	while (is_blank(*name))
		name++;
	if (!*name)
		return -ENOEXEC;
	for (arg = name; *arg && !is_blank(*arg);)
		arg++;
	if (*arg)
		*arg++ = '\0';
	while (is_blank(*arg))
		arg++;
	return exec_restart(a, name, *arg ? arg : NULL);
}
