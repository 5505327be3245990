/*
 * spec.c - from a name as the boot command line gives it to a device: /dev/NAME, UUID=, LABEL=,
 * PARTUUID=, PARTLABEL=.
 *
 * UUID and LABEL are read from the ext2 superblock that may lie on a device (byte 1024: magic at
 * 56, UUID at 104, name at 120).
 */
#include "block_internal.h"

#include <error.h>
#include <printf.h>
#include <string.h>

static bool read_super(struct block_device *b, uint8_t *sb, size_t n)
{
	return !bdev_read_bytes(b, 1024, sb, n) && sb[56] == 0x53 && sb[57] == 0xef;
}

static bool same_text(const char *a, const char *b) /* letters of a UUID in either case */
{
	for (; *a && *b; a++, b++)
		if ((*a | 0x20) != (*b | 0x20))
			return false;
	return *a == *b;
}

static bool has_uuid(struct block_device *b, const char *want)
{
	uint8_t sb[120], *u = sb + 104;
	char text[37];

	if (!read_super(b, sb, sizeof(sb)))
		return false;
	scnprintf(text, sizeof(text),
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
		u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
		u[15]);
	return same_text(text, want);
}

static bool has_label(struct block_device *b, const char *want)
{
	uint8_t sb[137];

	if (!read_super(b, sb, 136))
		return false;
	sb[136] = 0;
	return strcmp((char *)sb + 120, want) == 0;
}

static bool has_partuuid(struct block_device *b, const char *want)
{
	return b->partuuid[0] && same_text(b->partuuid, want);
}

static bool has_partlabel(struct block_device *b, const char *want)
{
	return b->partlabel[0] && strcmp(b->partlabel, want) == 0;
}

static struct block_device *first_that(
	bool (*fits)(struct block_device *b, const char *want), const char *want)
{
	for (struct block_device *b = bdev_next(NULL); b; b = bdev_next(b))
		if (fits(b, want))
			return b;
	return NULL;
}

struct block_device *bdev_find_spec(const char *spec)
{
	static const struct {
		const char *prefix;
		bool (*fits)(struct block_device *b, const char *want);
	} kind[] = {
		{"UUID=", has_uuid},
		{"LABEL=", has_label},
		{"PARTUUID=", has_partuuid},
		{"PARTLABEL=", has_partlabel},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(kind); i++)
		if (strncmp(spec, kind[i].prefix, strlen(kind[i].prefix)) == 0)
			return first_that(kind[i].fits, spec + strlen(kind[i].prefix));
	return bdev_by_name(strncmp(spec, "/dev/", 5) == 0 ? spec + 5 : spec);
}
