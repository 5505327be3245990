/*
 * part.c - partition tables: the master boot record with logical partitions; decides between it and
 * GPT (gpt.c). Theory: bio.c
 */
#include "block_internal.h"

#include <error.h>
#include <log.h>
#include <printf.h>
#include <string.h>

struct mbr_entry {
	uint8_t status, chs_first[3], type, chs_last[3];
	__le32 start, sectors;
} __packed;
struct mbr {
	uint8_t code[440];
	__le32 signature;
	__le16 zero;
	struct mbr_entry entry[4];
	uint8_t magic[2];
} __packed;
static_assert(sizeof(struct mbr_entry) == 16 && sizeof(struct mbr) == 512,
	"layout of the master boot record");

enum {
	MBR_EMPTY = 0,
	MBR_EXTENDED = 0x05,
	MBR_EXTENDED_LBA = 0x0f,
	MBR_EXTENDED_LINUX = 0x85,
	MBR_GPT = 0xee
};

static bool is_extended(uint8_t type)
{
	return type == MBR_EXTENDED || type == MBR_EXTENDED_LBA || type == MBR_EXTENDED_LINUX;
}

static bool has_magic(const struct mbr *m)
{
	return m->magic[0] == 0x55 && m->magic[1] == 0xaa;
}

/* Sectors of the table count in logical blocks. */
static unsigned scale(const struct block_device *disk)
{
	return disk->limits.logical_bytes / SECTOR_BYTES;
}

static void add(struct block_device *disk, uint32_t signature, unsigned no, uint64_t start,
	uint64_t sectors)
{
	char uuid[16];

	scnprintf(uuid, sizeof(uuid), "%08x-%02x", signature, no);
	if (part_add(disk, no, start * scale(disk), sectors * scale(disk), uuid, "") == -ENOMEM)
		log_err("%s: no memory for partition %u", disk->name, no);
}

/* Each logical partition has a record of its own: entry 0 is it, entry 1 the next record, relative
 * to the extended one. */
static void logical(struct block_device *disk, uint32_t signature, uint64_t base)
{
	uint64_t at = base;
	struct mbr m;

	for (unsigned no = 5; no < 64; no++) {
		if (bdev_read_bytes(disk, at * scale(disk) << SECTOR_SHIFT, &m, sizeof(m)) ||
			!has_magic(&m)) {
			log_warn("%s: bad extended partition record at sector %llu", disk->name,
				(unsigned long long)at);
			return;
		}
		if (m.entry[0].type != MBR_EMPTY && le32(m.entry[0].sectors))
			add(disk, signature, no, at + le32(m.entry[0].start),
				le32(m.entry[0].sectors));
		if (!is_extended(m.entry[1].type) || !le32(m.entry[1].start))
			return;
		at = base + le32(m.entry[1].start);
	}
}

/* A boot sector of a file system ends in the same magic: its entries make no sense as partitions.
 */
static bool plausible(const struct mbr *m)
{
	for (unsigned i = 0; i < 4; i++)
		if (m->entry[i].status & 0x7f)
			return false;
	return true;
}

void mbr_scan(struct block_device *disk, const uint8_t *sector)
{
	struct mbr m;

	memcpy(&m, sector, sizeof(m));
	if (!plausible(&m))
		return;
	for (unsigned i = 0; i < 4; i++) {
		const struct mbr_entry *e = &m.entry[i];

		if (e->type == MBR_EMPTY || !le32(e->sectors))
			continue;
		if (is_extended(e->type))
			logical(disk, le32(m.signature), le32(e->start));
		else
			add(disk, le32(m.signature), i + 1, le32(e->start), le32(e->sectors));
	}
}

static bool is_protective(const struct mbr *m)
{
	for (unsigned i = 0; i < 4; i++)
		if (m->entry[i].type == MBR_GPT)
			return true;
	return false;
}

void part_scan(struct block_device *disk)
{
	struct mbr m;
	int err = disk->nr_sectors ? bdev_read_bytes(disk, 0, &m, sizeof(m)) : -ENOMEDIUM;

	if (err) {
		log_err("%s: cannot read the partition table: error %d", disk->name, -err);
		return;
	}
	if (!has_magic(&m))
		return; /* a file system on the whole disk, or nothing yet */
	if (is_protective(&m))
		gpt_scan(disk);
	else
		mbr_scan(disk, (const uint8_t *)&m);
}
