/*
 * group_report.h - what IGMPv3 and MLDv2 have in common: records, timers, the answer to a query.
 */
#pragma once
#include "inetdev.h"

enum report_type { /* RFC 3376, 4.2.12; RFC 3810, 5.2.12 */
	IS_INCLUDE = 1,
	IS_EXCLUDE = 2,
	TO_INCLUDE = 3,
	TO_EXCLUDE = 4
};
enum { REPORT_SOURCES = 64 };
struct report_record {
	struct ip_addr group;
	enum report_type type;
	unsigned n;
	struct ip_addr source[REPORT_SOURCES];
};
/* The families: how a record goes on the wire, and is it to be spoken of at all. */
struct report_family {
	bool is_v4;
	bool (*reportable)(const struct ip_addr *group);
	/* One message with this record, in the form that the querier speaks. In a section. */
	void (*send)(struct inet_dev *idev, const struct report_record *r);
};
void report_register(const struct report_family *f);
/* A query for @group (any: all of the family) with @max_ms to answer. In a section. */
void report_query(struct inet_dev *idev, bool is_v4, const struct ip_addr *group, unsigned max_ms);
