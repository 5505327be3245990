/*
 * rtc.c - the battery clock: MC146818 registers behind ports 70h, 71h. Read once; seconds at boot.
 */
#include <arch/clock.h>
#include <arch/io.h>
#include <string.h>
#include "acpi_tables.h"
#include "room.h"

enum {
	RTC_SECOND = 0,
	RTC_MINUTE = 2,
	RTC_HOUR = 4,
	RTC_DAY = 7,
	RTC_MONTH,
	RTC_YEAR,
	RTC_A,
	RTC_B
};

struct rtc_time {
	uint8_t second, minute, hour, day, month, year, century;
};

static uint8_t reg(unsigned r)
{
	outb(0x70, (uint8_t)r);
	return inb(0x71);
}

static struct rtc_time read_once(uint8_t century)
{
	for (unsigned i = 0; i < 100000 && (reg(RTC_A) & 0x80); i++)
		cpu_relax(); /* an update is going on: at most 2 ms */
	return (struct rtc_time){reg(RTC_SECOND), reg(RTC_MINUTE), reg(RTC_HOUR), reg(RTC_DAY),
		reg(RTC_MONTH), reg(RTC_YEAR), century ? reg(century) : 0};
}

static unsigned from_bcd(unsigned v)
{
	return (v >> 4) * 10 + (v & 15);
}

/* Days since 1970-01-01 of a Gregorian date: years counted from March, so that the leap day is the
 * last. */
static int64_t days(int64_t y, unsigned m, unsigned d)
{
	int64_t era;
	unsigned yoe, doy;

	y -= m <= 2;
	era = y / 400;
	yoe = (unsigned)(y - era * 400);
	doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t read_seconds(void)
{
	const struct acpi_fadt *fadt = acpi_find_table("FACP");
	uint8_t century = fadt && fadt->h.length > offsetof(struct acpi_fadt, century)
				  ? fadt->century & 0x7f
				  : 0;
	struct rtc_time t = read_once(century);
	struct rtc_time again = read_once(century);
	uint8_t b = reg(RTC_B);
	bool pm = t.hour & 0x80;
	unsigned year;

	for (unsigned i = 0; i < 10 && memcmp(&t, &again, sizeof(t)); i++) {
		t = again;
		again = read_once(century);
	}
	t.hour &= 0x7f;
	if (!(b & 4)) {
		uint8_t *field = (uint8_t *)&t;

		for (size_t i = 0; i < sizeof(t); i++)
			field[i] = (uint8_t)from_bcd(field[i]);
	}
	if (!(b & 2))
		t.hour = (uint8_t)(t.hour % 12 + (pm ? 12 : 0));
	year = t.century >= 19 && t.century <= 29 ? t.century * 100u + t.year
	       : t.year < 70                      ? 2000u + t.year
						  : 1900u + t.year;
	if (t.month < 1 || t.month > 12 || t.day < 1 || t.day > 31)
		return 0;
	return days(year, t.month, t.day) * 86400 + t.hour * 3600 + t.minute * 60 + t.second;
}

int64_t clock_rtc_seconds(void)
{
	static int64_t at_boot = -1;

	if (at_boot < 0)
		at_boot = read_seconds() - (int64_t)(clock_ns() / 1000000000);
	return at_boot;
}
