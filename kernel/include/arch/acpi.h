/*
 * arch/acpi.h - the static tables of the firmware. Does not: AML.
 */
#pragma once
#include <compiler.h>

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem_id[6], oem_table_id[8];
	uint32_t oem_revision, creator_id, creator_revision;
} __packed;
static_assert(sizeof(struct acpi_header) == 36, "ACPI 6.4, 5.2.6");

/* The whole table, checksum verified, mapped for good; NULL: none. After arch_init_acpi(). */
const void *acpi_find_table(const char sig[4]);
/* acpi_find_table("MCFG"): one window of PCI configuration space. False past the last. */
struct acpi_ecam {
	paddr_t base;
	uint16_t segment;
	uint8_t bus_start, bus_end;
};
bool acpi_ecam_get(unsigned nth, struct acpi_ecam *out);
