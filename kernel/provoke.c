/*
 * provoke.c - provoke=NAME on the debug kernel's command line commits a fault of that kind, so that
 * a test can see it found and reported (tests/system/test_checks.py).
 */
#include <debug.h>

#if CONFIG_DEBUG
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <log.h>
#include <sched.h>
#include <slab.h>
#include <string.h>

static struct spinlock lock_a = SPINLOCK_INIT("provoke a"), lock_b = SPINLOCK_INIT("provoke b");
static volatile bool go;

static void touch(char *p)
{
	*(volatile char *)p = 1;
}

static char *small(size_t n)
{
	char *p = kmalloc(n, GFP_KERNEL);

	PANIC_ON(!p);
	return p;
}

static void use_after_free(void)
{
	char *p = small(40);

	kfree(p);
	touch(p + 7);
}

static void overrun(void)
{
	touch(small(13) + 13);
}

static void copy_overrun(void)
{
	memset(small(100), 0, 101);
}

static void double_free(void)
{
	char *p = small(40);

	kfree(p);
	kfree(p);
}

static void free_page(void)
{
	struct page *p = page_alloc(0, GFP_KERNEL);

	PANIC_ON(!p);
	page_free(p, 0);
	touch(page_address(p));
}

static void lock_order(void)
{
	spin_lock(&lock_a);
	spin_lock(&lock_b);
	spin_unlock(&lock_b);
	spin_unlock(&lock_a);
	spin_lock(&lock_b);
	spin_lock(&lock_a);
}

static void sleep_locked(void)
{
	spin_lock(&lock_a);
	sleep_uninterruptible_ns(1000);
}

static void call_locked(void)
{
	unsigned long f = spin_lock_irq(&lock_a);

	spin_unlock_irq(&lock_a, f);
	spin_lock(&lock_a);
	tlb_flush_kernel(DIRECT_MAP_BASE, DIRECT_MAP_BASE + PAGE_SIZE);
}

static void hold(void *arg)
{
	(void)arg;
	spin_lock(&lock_a);
	go = true;
	for (;;)
		cpu_relax();
}

static void stuck_lock(void)
{
	PANIC_ON(kthread_run(hold, NULL, "holder"));
	while (!go)
		sched_yield();
	spin_lock(&lock_a);
}

static void irqs_off_loop(void)
{
	irq_disable();
	for (;;)
		cpu_relax();
}

static __noinline unsigned deep(unsigned n)
{
	volatile char frame[512];

	frame[n % sizeof(frame)] = (char)n;
	return n ? deep(n - 1) + (unsigned)frame[n % sizeof(frame)] : 0;
}

static void go_deep(void *arg)
{
	(void)arg;
	log_debug("provoke: %u", deep(24));
}

static void deep_stack(void)
{
	PANIC_ON(kthread_run(go_deep, NULL, "deep"));
}

static const struct {
	const char *name;
	void (*fn)(void);
} faults[] = {
	{"use-after-free", use_after_free},
	{"overrun", overrun},
	{"copy-overrun", copy_overrun},
	{"double-free", double_free},
	{"free-page", free_page},
	{"lock-order", lock_order},
	{"sleep-locked", sleep_locked},
	{"call-locked", call_locked},
	{"stuck-lock", stuck_lock},
	{"irqs-off", irqs_off_loop},
	{"deep-stack", deep_stack},
};

void provoke(void)
{
	char name[32];

	if (!boot_option("provoke", 0, name, sizeof(name)))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(faults); i++)
		if (!strcmp(faults[i].name, name))
			faults[i].fn();
}
#else
void provoke(void)
{
}
#endif
