/*
 * acpi.c - find the firmware's static tables and keep them mapped. Spec: ACPI 6.4, 5.2. Tables are
 * input: lengths and checksums are verified, a bad table is left out with a word in the log.
 */
#include <arch/acpi.h>
#include <arch/init.h>
#include <log.h>
#include <string.h>
#include "acpi_tables.h"
#include "room.h"

#define MAX_TABLES      48u
#define MAX_TABLE_BYTES (4u << 20)

static const struct acpi_header *tables[MAX_TABLES];
static unsigned nr_tables;

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t checksum2, reserved[3];
} __packed;
static_assert(sizeof(struct rsdp) == 36, "ACPI 6.4, 5.2.5.3");

static bool sum_is_zero(const void *p, size_t n)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)p)[i]);
	return sum == 0;
}

static bool rsdp_good(const struct rsdp *r)
{
	return !memcmp(r->signature, "RSD PTR ", 8) && sum_is_zero(r, 20);
}

/* The pointer lies on a 16-byte boundary of the BIOS area or of the EBDA's first KiB. */
static const struct rsdp *rsdp_search(paddr_t start, paddr_t end)
{
	for (paddr_t pa = start; pa + sizeof(struct rsdp) <= end; pa += 16)
		if (rsdp_good(phys_to_virt(pa)))
			return phys_to_virt(pa);
	return NULL;
}

static const struct rsdp *rsdp_find(void)
{
	const struct rsdp *r = boot_info.rsdp ? phys_map(boot_info.rsdp, sizeof(*r)) : NULL;
	paddr_t ebda = (paddr_t) * (const volatile uint16_t *)phys_to_virt(0x40e) << 4;

	if (r && rsdp_good(r))
		return r;
	r = ebda >= 0x80000 && ebda < 0x9fc00 ? rsdp_search(ebda, ebda + 1024) : NULL;
	return r ? r : rsdp_search(0xe0000, 0x100000);
}

static const struct acpi_header *table_map(paddr_t pa)
{
	const struct acpi_header *h = pa ? phys_map(pa, sizeof(*h)) : NULL;
	uint32_t length = h ? h->length : 0;

	if (length < sizeof(*h) || length > MAX_TABLE_BYTES)
		return NULL;
	h = phys_map(pa, length);
	if (h && !sum_is_zero(h, length)) {
		log_warn("acpi: table %.4s has a bad checksum; ignored", h->signature);
		return NULL;
	}
	return h;
}

static void table_add(paddr_t pa)
{
	const struct acpi_header *h = table_map(pa);

	if (h && nr_tables < MAX_TABLES)
		tables[nr_tables++] = h;
}

const void *acpi_find_table(const char sig[4])
{
	for (unsigned i = 0; i < nr_tables; i++)
		if (!memcmp(tables[i]->signature, sig, 4))
			return tables[i];
	return NULL;
}

int arch_init_acpi(void)
{
	const struct rsdp *r = rsdp_find();
	const struct acpi_header *root;
	const struct acpi_fadt *fadt;
	unsigned entry = 4;

	if (!r) {
		log_warn("acpi: no root pointer; one processor, no power-off");
		return 0;
	}
	root = r->revision >= 2 && r->xsdt ? table_map(r->xsdt) : NULL;
	if (root)
		entry = 8;
	else
		root = table_map(r->rsdt);
	for (uint32_t off = sizeof(*root); root && off + entry <= root->length; off += entry) {
		uint64_t pa = 0;

		memcpy(&pa, (const char *)root + off, entry);
		table_add(pa);
	}
	fadt = acpi_find_table("FACP");
	if (fadt && fadt->h.length >= offsetof(struct acpi_fadt, x_dsdt) + 8 && fadt->x_dsdt)
		table_add(fadt->x_dsdt);
	else if (fadt)
		table_add(fadt->dsdt);
	log_info("acpi: %u tables, revision %u", nr_tables, r->revision);
	return 0;
}

bool acpi_ecam_get(unsigned nth, struct acpi_ecam *out)
{
	struct {
		uint64_t base;
		uint16_t segment;
		uint8_t start, end;
		uint32_t reserved;
	} e;
	const struct acpi_header *h = acpi_find_table("MCFG");
	size_t off = sizeof(*h) + 8 + nth * sizeof(e);

	if (!h || off + sizeof(e) > h->length)
		return false;
	memcpy(&e, (const char *)h + off, sizeof(e));
	*out = (struct acpi_ecam){
		.base = e.base, .segment = e.segment, .bus_start = e.start, .bus_end = e.end};
	return true;
}

const struct madt_entry *madt_next(const struct madt_entry *e, uint8_t type)
{
	const struct acpi_madt *m = acpi_find_table("APIC");
	const char *end = (const char *)m + (m ? m->h.length : 0);

	if (!m)
		return NULL;
	e = e ? (const void *)((const char *)e + e->length) : (const void *)(m + 1);
	while ((const char *)e + 2 <= end && e->length >= 2 && (const char *)e + e->length <= end) {
		if (e->type == type)
			return e;
		e = (const void *)((const char *)e + e->length);
	}
	return NULL;
}
