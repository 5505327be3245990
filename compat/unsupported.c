/*
 * unsupported.c - remembering what Ambit lacks: one log line for each program and thing, and a
 * table with counts. The table is fixed: when it is full, new things are still logged, by hash.
 */
#include "unsupported.h"
#include "compat.h"
#include <hash.h>
#include <log.h>

#define ROWS 256u
static struct unsupported_row rows[ROWS];
static unsigned nr_rows;
static struct spinlock lock = SPINLOCK_INIT("unsupported");

/* True: seen for the first time. Lock held. */
static bool note(const char *what, uint64_t value, bool *is_full)
{
	struct unsupported_row *r;

	for (r = rows; r < rows + nr_rows; r++) {
		if (r->value == value && r->what == what && !strcmp(r->program, current->name)) {
			r->count++;
			return false;
		}
	}
	*is_full = nr_rows == ROWS;
	if (!*is_full) {
		strlcpy(r->program, current->name, sizeof(r->program));
		r->what = what;
		r->value = value;
		r->count = 1;
		smp_store_release(&nr_rows, nr_rows + 1);
	}
	return true;
}

/* Beyond the table: a collision hides one line, nothing else. */
static bool first_by_hash(const char *what, uint64_t value)
{
	static unsigned long seen[64];
	uint32_t h = hash_name(current->name, strlen(current->name), hash64(value + 1)) ^
		     hash_name(what, strlen(what), 7);

	h %= 64 * 64;
	return !(__atomic_fetch_or(&seen[h / 64], 1ul << h % 64, __ATOMIC_RELAXED) >> h % 64 & 1);
}

void unsupported(const char *what, uint64_t value)
{
	bool is_full = false, is_new;

	spin_lock(&lock);
	is_new = note(what, value, &is_full);
	spin_unlock(&lock);
	if (is_new && (!is_full || first_by_hash(what, value)))
		log_info("%s[%d]: unsupported: %s (%lld)", current->name, current->tid, what,
			(long long)value);
}

bool unsupported_get(unsigned nth, struct unsupported_row *out)
{
	if (nth >= smp_load_acquire(&nr_rows))
		return false;
	*out = rows[nth];
	return true;
}
