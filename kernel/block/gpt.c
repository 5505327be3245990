/*
 * gpt.c - GUID partition tables (UEFI 2.10, chapter 5): header and entries checked by CRC, the
 * backup at the end of the disk.
 */
#include "block_internal.h"

#include <error.h>
#include <hash.h>
#include <log.h>
#include <printf.h>
#include <slab.h>
#include <string.h>

struct gpt_header {
	char signature[8];
	__le32 revision, header_size, crc, reserved;
	__le64 my_lba, other_lba, first_lba, last_lba;
	uint8_t disk_guid[16];
	__le64 entries_lba;
	__le32 nr_entries, entry_size, entries_crc;
} __packed;
static_assert(sizeof(struct gpt_header) == 92, "UEFI 2.10, table 5.5");
struct gpt_entry {
	uint8_t type[16], guid[16];
	__le64 first, last, attributes;
	__le16 name[36];
} __packed;
static_assert(sizeof(struct gpt_entry) == 128, "UEFI 2.10, table 5.6");

#define MOST_ENTRY_BYTES (1u << 20)

/* The header at @lba with good sums, and its entries (caller frees); NULL and *why otherwise. */
static uint8_t *read_table(
	struct block_device *disk, uint64_t lba, struct gpt_header *h, const char **why)
{
	unsigned block = disk->limits.logical_bytes;
	uint8_t *raw = NULL;
	uint64_t bytes;

	*why = "header unreadable";
	if (bdev_read_bytes(disk, lba * block, h, sizeof(*h)))
		return NULL;
	*why = "no signature";
	if (memcmp(h->signature, "EFI PART", 8) != 0)
		return NULL;
	*why = "bad header size";
	if (le32(h->header_size) < sizeof(*h) || le32(h->header_size) > block)
		return NULL;
	*why = "no memory";
	raw = kmalloc(block, GFP_KERNEL);
	if (!raw)
		return NULL;
	*why = "header unreadable";
	if (bdev_read_bytes(disk, lba * block, raw, block))
		goto bad;
	memset(raw + offsetof(struct gpt_header, crc), 0, 4);
	*why = "header checksum wrong";
	if (crc32(0, raw, le32(h->header_size)) != le32(h->crc) || le64(h->my_lba) != lba)
		goto bad;
	*why = "bad entry size";
	bytes = (uint64_t)le32(h->nr_entries) * le32(h->entry_size);
	if (le32(h->entry_size) < sizeof(struct gpt_entry) || !bytes || bytes > MOST_ENTRY_BYTES)
		goto bad;
	kfree(raw);
	*why = "no memory";
	raw = kmalloc(bytes, GFP_KERNEL);
	if (!raw)
		return NULL;
	*why = "entries unreadable";
	if (le64(h->entries_lba) >= disk->nr_sectors ||
		bdev_read_bytes(disk, le64(h->entries_lba) * block, raw, bytes))
		goto bad;
	*why = "entry checksum wrong";
	if (crc32(0, raw, bytes) != le32(h->entries_crc))
		goto bad;
	return raw;
bad:
	kfree(raw);
	return NULL;
}

/* GUIDs print with their first three fields little-endian. */
static void guid_text(const uint8_t *g, char *out, size_t size)
{
	scnprintf(out, size, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12],
		g[13], g[14], g[15]);
}

static void add_entry(struct block_device *disk, unsigned no, const struct gpt_entry *e)
{
	static const uint8_t unused[16];
	unsigned scale = disk->limits.logical_bytes / SECTOR_BYTES;
	uint64_t first = le64(e->first), last = le64(e->last);
	char uuid[37], label[37];
	unsigned n = 0;

	if (memcmp(e->type, unused, 16) == 0)
		return;
	if (last < first || last >= disk->nr_sectors / scale) {
		log_warn("%s: partition %u lies outside the disk", disk->name, no);
		return;
	}
	guid_text(e->guid, uuid, sizeof(uuid));
	for (; n < ARRAY_SIZE(e->name) && le16(e->name[n]); n++)
		label[n] = le16(e->name[n]) < 128 ? (char)le16(e->name[n]) : '?';
	label[n] = 0;
	if (part_add(disk, no, first * scale, (last - first + 1) * scale, uuid, label) == -ENOMEM)
		log_err("%s: no memory for partition %u", disk->name, no);
}

void gpt_scan(struct block_device *disk)
{
	uint64_t last = disk->nr_sectors * SECTOR_BYTES / disk->limits.logical_bytes - 1;
	const char *why, *why_backup;
	struct gpt_header h;
	uint8_t *entries = read_table(disk, 1, &h, &why);

	if (!entries) {
		entries = read_table(disk, last, &h, &why_backup);
		if (!entries) {
			log_err("%s: bad partition table: primary GPT: %s; backup: %s", disk->name,
				why, why_backup);
			return;
		}
		log_warn("%s: bad primary GPT (%s), the backup is used", disk->name, why);
	}
	for (unsigned i = 0; i < le32(h.nr_entries); i++) {
		struct gpt_entry e;

		memcpy(&e, entries + (size_t)i * le32(h.entry_size), sizeof(e));
		add_entry(disk, i + 1, &e);
	}
	kfree(entries);
}
