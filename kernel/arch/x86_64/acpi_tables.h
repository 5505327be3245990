/*
 * acpi_tables.h - layouts of the tables this room reads. Spec: ACPI 6.4, 5.2.9 (FADT), 5.2.12
 * (MADT); HPET 1.0a, 3.2.4.
 */
#pragma once
#include <arch/acpi.h>

struct acpi_gas {
	uint8_t space, bits, offset, access;
	uint64_t addr;
} __packed;

struct acpi_fadt {
	struct acpi_header h;
	uint32_t facs, dsdt;
	uint8_t reserved0, profile;
	uint16_t sci_int;
	uint32_t smi_cmd;
	uint8_t acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	uint32_t pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_tmr, gpe0, gpe1;
	uint8_t lengths[8];
	uint16_t latencies[4];
	uint8_t duty[2], day_alarm, month_alarm, century;
	uint16_t boot_arch;
	uint8_t reserved1;
	uint32_t flags;
	struct acpi_gas reset_reg;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor;
	uint64_t x_facs, x_dsdt;
	struct acpi_gas x_pm[8];
	struct acpi_gas sleep_control, sleep_status;
} __packed;
static_assert(offsetof(struct acpi_fadt, pm1a_cnt) == 64 &&
		      offsetof(struct acpi_fadt, century) == 108 &&
		      offsetof(struct acpi_fadt, flags) == 112 &&
		      offsetof(struct acpi_fadt, reset_reg) == 116 &&
		      offsetof(struct acpi_fadt, x_dsdt) == 140 &&
		      offsetof(struct acpi_fadt, sleep_control) == 244,
	"ACPI 6.4, table 5.9");
#define FADT_RESET_SUPPORTED BIT(10)
#define FADT_HW_REDUCED      BIT(20)

struct acpi_madt {
	struct acpi_header h;
	uint32_t lapic;
	uint32_t flags;
} __packed;
enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_ADDR = 5, MADT_X2APIC = 9 };
struct madt_entry {
	uint8_t type, length;
	union {
		struct {
			uint8_t uid, apic_id;
			uint32_t flags;
		} __packed lapic;
		struct {
			uint8_t id, reserved;
			uint32_t addr, gsi_base;
		} __packed ioapic;
		struct {
			uint8_t bus, source;
			uint32_t gsi;
			uint16_t flags;
		} __packed override;
		struct {
			uint16_t reserved;
			uint64_t addr;
		} __packed lapic_addr;
		struct {
			uint16_t reserved;
			uint32_t apic_id, flags, uid;
		} __packed x2apic;
	};
} __packed;
/* The first entry of @type after @e (NULL: from the start); NULL: no more. */
const struct madt_entry *madt_next(const struct madt_entry *e, uint8_t type);

struct acpi_hpet {
	struct acpi_header h;
	uint32_t id;
	struct acpi_gas addr;
	uint8_t number;
	uint16_t min_tick;
	uint8_t flags;
} __packed;
static_assert(offsetof(struct acpi_hpet, addr) == 40, "HPET 1.0a, table 3");
