/*
 * attr.c - extended attributes from a shell: attr set FILE NAME VALUE | attr get FILE NAME |
 * attr list FILE | attr remove FILE NAME. A link is meant itself. Exits 1 and says the error.
 */
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

static char bytes[65536];

static int set(const char *file, const char *name, const char *value)
{
	return lsetxattr(file, name, value, strlen(value), 0);
}

static int get(const char *file, const char *name)
{
	ssize_t n = lgetxattr(file, name, bytes, sizeof(bytes));

	if (n < 0)
		return -1;
	printf("%.*s\n", (int)n, bytes);
	return 0;
}

static int list(const char *file)
{
	ssize_t n = llistxattr(file, bytes, sizeof(bytes));

	for (char *at = bytes; at < bytes + n; at += strlen(at) + 1)
		puts(at);
	return n < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	int err = -1;

	if (argc == 5 && !strcmp(argv[1], "set"))
		err = set(argv[2], argv[3], argv[4]);
	else if (argc == 4 && !strcmp(argv[1], "get"))
		err = get(argv[2], argv[3]);
	else if (argc == 3 && !strcmp(argv[1], "list"))
		err = list(argv[2]);
	else if (argc == 4 && !strcmp(argv[1], "remove"))
		err = lremovexattr(argv[2], argv[3]);
	if (err)
		perror("attr");
	return err ? 1 : 0;
}
