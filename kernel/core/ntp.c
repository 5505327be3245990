/*
 * ntp.c - the clock discipline: how fast the wall clock runs, from what adjtimex(2) tells. RFC 5905
 * (NTPv4), Appendix A.5.5.6, and RFC 1589.
 *
 * The rate is the sum of a tick's deviation, a frequency, and a phase that is worked off second by
 * second: of an offset a fixed part each second (a phase-locked loop, whose time constant says how
 * large a part, and which learns the frequency from the offsets that it is given), of adjtime(3)'s
 * correction at most 500 us. Only while there is a phase does a timer run each second; the error
 * bound grows by the clock's tolerance and is computed when it is asked for.
 *
 * Does not: insert leap seconds, listen to a pulse-per-second signal.
 */
#include <debug.h>
#include <spinlock.h>
#include <time.h>
#include <timer.h>
#include "timekeeping.h"

#define TICK_USEC       10000
#define MAX_FREQ_NS     500000ll /* per second: 500 ppm */
#define MAX_PHASE_NS    500000000ll
#define MAX_ERROR_US    16000000ll
#define MAX_CONSTANT    10
#define PLL_SHIFT       2
#define FLL_SHIFT       2
#define FLL_MIN_SECONDS 256
#define FLL_MAX_SECONDS 2048
#define SINGLE_MAX_US   500        /* adjtime(3)'s correction of a second */
#define FREQ_SHIFT      32         /* frequency: ns per second, and 32 bits behind the point */
#define PPM_SCALE       65536000ll /* frequency units in adjtimex's 2^-16 ppm */

/* Key: [n] ntp_lock */
static struct spinlock ntp_lock = SPINLOCK_INIT("ntp"); /* irq-save; above the realtime lock */
static struct {
	int64_t freq;      /* as FREQ_SHIFT says */
	int64_t phase_ns;  /* left to be worked off */
	int64_t single_us; /* adjtime(3)'s */
	int64_t tick_us, constant, maxerror_us, esterror_us;
	uint64_t error_at_ns;    /* when maxerror_us was true */
	uint64_t updated_ns;     /* of the last offset; 0: none yet */
	int64_t second_phase_ns; /* of the running second */
	uint32_t status;
	bool ticking;          /* the timer runs */
} ntp = {.tick_us = TICK_USEC, /* [n] */
	.constant = 2,
	.maxerror_us = MAX_ERROR_US,
	.esterror_us = MAX_ERROR_US,
	.status = STA_UNSYNC};
static struct timer second;

static int64_t clamp(int64_t v, int64_t limit)
{
	return v > limit ? limit : v < -limit ? -limit : v;
}

/* Rounds towards zero, so that a phase of either sign ends at 0. */
static int64_t shift_down(int64_t v, unsigned bits)
{
	return v < 0 ? -(-v >> bits) : v >> bits;
}

/* Take this second's part of what is to be worked off. ns. */
static int64_t take_phase_locked(void)
{
	int64_t part = shift_down(ntp.phase_ns, (unsigned)(PLL_SHIFT + ntp.constant));
	int64_t single = clamp(ntp.single_us, SINGLE_MAX_US);

	if (!part) /* the rest is less than one part: all of it */
		part = ntp.phase_ns;
	ntp.phase_ns -= part;
	ntp.single_us -= single;
	return part + single * 1000;
}

static int64_t rate_locked(int64_t phase_ns)
{
	return (ntp.freq << 8) / (int64_t)NSEC_PER_SEC +
	       ((ntp.tick_us - TICK_USEC) * (1ll << 40)) / TICK_USEC +
	       (phase_ns * (1ll << 30)) / (int64_t)NSEC_PER_SEC * (1ll << 10);
}

/* A second begins: set its rate, and have the timer end it if it has a phase to work off. */
static void begin_second_locked(void)
{
	ntp.second_phase_ns = take_phase_locked();
	WRITE_ONCE(ntp.ticking, ntp.second_phase_ns != 0);
	realtime_set_rate(rate_locked(ntp.second_phase_ns));
	if (ntp.ticking)
		timer_arm(&second, clock_ns() + NSEC_PER_SEC);
}

static void second_over(struct timer *t)
{
	unsigned long f = spin_lock_irq(&ntp_lock);

	(void)t;
	begin_second_locked();
	spin_unlock_irq(&ntp_lock, f);
}

bool discipline_is_slewing(void)
{
	return READ_ONCE(ntp.ticking);
}

void discipline_init(void)
{
	timer_init(&second, second_over);
}

/* ---- what adjtimex(2) asks for ---- */

static void set_freq_locked(int64_t freq)
{
	ntp.freq = clamp(freq, MAX_FREQ_NS << FREQ_SHIFT);
}

/* What an offset says of the frequency after @seconds, in units of FREQ_SHIFT. */
static int64_t learn_locked(int64_t offset_ns, int64_t seconds)
{
	unsigned tc = (unsigned)ntp.constant;
	int64_t freq = 0, limit = 1ll << (PLL_SHIFT + 1 + tc);

	if (ntp.status & STA_FREQHOLD)
		return 0;
	ntp.status &= ~(uint32_t)STA_MODE;
	if (seconds >= FLL_MIN_SECONDS && (ntp.status & STA_FLL || seconds > FLL_MAX_SECONDS)) {
		ntp.status |= STA_MODE;
		freq = (offset_ns << (FREQ_SHIFT - FLL_SHIFT)) / seconds;
	}
	return freq + offset_ns * (seconds < limit ? seconds : limit) *
			      (1ll << (FREQ_SHIFT - 2 * (PLL_SHIFT + 2 + tc)));
}

static void set_offset_locked(int64_t ns)
{
	uint64_t now = clock_ns();
	int64_t seconds;

	if (!(ntp.status & STA_PLL))
		return;
	ns = clamp(ns, MAX_PHASE_NS);
	seconds = ntp.updated_ns ? (int64_t)((now - ntp.updated_ns) / NSEC_PER_SEC) : 0;
	ntp.updated_ns = now;
	set_freq_locked(ntp.freq + learn_locked(ns, seconds));
	ntp.phase_ns = ns;
}

static void set_status_locked(uint32_t status)
{
	if (ntp.status & STA_PLL && !(status & STA_PLL))
		ntp.status = STA_UNSYNC | (ntp.status & STA_READ_ONLY);
	if (!(ntp.status & STA_PLL) && status & STA_PLL)
		ntp.updated_ns = clock_ns();
	ntp.status = (ntp.status & STA_READ_ONLY) | (status & ~(uint32_t)STA_READ_ONLY);
}

/* The bound on the error, as it has grown since it was told. */
static int64_t maxerror_locked(void)
{
	uint64_t seconds = (clock_ns() - ntp.error_at_ns) / NSEC_PER_SEC;
	int64_t grown = (int64_t)MIN(seconds, 100000ull) * (MAX_FREQ_NS / 1000);

	if (ntp.maxerror_us + grown <= MAX_ERROR_US)
		return ntp.maxerror_us + grown;
	ntp.status |= STA_UNSYNC;
	return MAX_ERROR_US;
}

static void set_fields_locked(const struct clock_discipline *d)
{
	if (d->set & DISCIPLINE_STATUS)
		set_status_locked(d->status);
	if (d->set & DISCIPLINE_NANO)
		ntp.status |= STA_NANO;
	if (d->set & DISCIPLINE_MICRO)
		ntp.status &= ~(uint32_t)STA_NANO;
	if (d->set & DISCIPLINE_FREQUENCY)
		set_freq_locked(clamp(d->frequency, MAX_FREQ_NS << 17) * PPM_SCALE);
	if (d->set & DISCIPLINE_MAXERROR) {
		ntp.maxerror_us = d->maxerror_us < 0 ? 0 : MIN(d->maxerror_us, MAX_ERROR_US);
		ntp.error_at_ns = clock_ns();
	}
	if (d->set & DISCIPLINE_ESTERROR)
		ntp.esterror_us = d->esterror_us < 0 ? 0 : MIN(d->esterror_us, MAX_ERROR_US);
	if (d->set & DISCIPLINE_CONSTANT) {
		int64_t tc = d->constant < 0 ? 0 : MIN(d->constant, (int64_t)MAX_CONSTANT);

		/* Microseconds are the older interface, whose constants were four smaller. */
		ntp.constant = MIN(ntp.status & STA_NANO ? tc : tc + 4, (int64_t)MAX_CONSTANT);
	}
	if (d->set & DISCIPLINE_OFFSET)
		set_offset_locked(d->offset * (ntp.status & STA_NANO ? 1 : 1000));
	if (d->set & DISCIPLINE_TICK)
		ntp.tick_us = d->tick_us;
	if (d->set & DISCIPLINE_SINGLE)
		ntp.single_us = d->single_us;
}

static void get_fields_locked(struct clock_discipline *d)
{
	int64_t freq = ntp.freq, half = freq < 0 ? -PPM_SCALE / 2 : PPM_SCALE / 2;

	*d = (struct clock_discipline){
		.offset = ntp.status & STA_NANO ? ntp.phase_ns : ntp.phase_ns / 1000,
		.single_us = ntp.single_us,
		.frequency = (freq + half) / PPM_SCALE,
		.maxerror_us = maxerror_locked(),
		.esterror_us = ntp.esterror_us,
		.constant = ntp.constant,
		.tick_us = ntp.tick_us,
	};
	d->status = ntp.status; /* maxerror_locked() may have changed it */
}

void realtime_discipline(struct clock_discipline *d)
{
	unsigned long f = spin_lock_irq(&ntp_lock);
	int64_t single_before = ntp.single_us;
	bool changes = d->set != 0;

	set_fields_locked(d);
	if (changes && !ntp.ticking)
		begin_second_locked();
	else if (changes)
		realtime_set_rate(rate_locked(ntp.second_phase_ns));
	get_fields_locked(d);
	d->single_us = single_before;
	spin_unlock_irq(&ntp_lock, f);
	if (changes)
		realtime_tell(false);
}
