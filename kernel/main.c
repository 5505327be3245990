/*
 * main.c - the boot story, top to bottom.
 *
 * The machine's own code (arch/) has made exceptions readable and calls kernel_main() on the boot
 * stack, interrupts off. Each line of the tables below may use every line above it. The first table
 * runs in the boot flow, which becomes the idle task; the second in a kernel thread, where disks
 * can be waited for, and which ends by starting the first program. A panic prints the step that was
 * running. Command line: root= rootfstype= ro rw init= console= loglevel= (docs/boot.md).
 */
#include <arch/boot.h>
#include <arch/init.h>
#include <arch/smp.h>
#include <arch/upcalls.h>
#include <block.h>
#include <core.h>
#include <cred.h>
#include <debug.h>
#include <error.h>
#include <fs.h>
#include <ipc.h>
#include <log.h>
#include <net.h>
#include <page.h>
#include <pagecache.h>
#include <pci.h>
#include <printf.h>
#include <process.h>
#include <random.h>
#include <sched.h>
#include <slab.h>
#include <string.h>
#include <time.h>
#include <tmpfs.h>
#include <tty.h>
#include <user_abi.h>
#include <vfs.h>
#include <vm.h>
#include <workqueue.h>

struct boot_step {
	const char *name;
	int (*run)(void);
};

#define STEP(fn)                                                                                   \
	static int step_##fn(void)                                                                 \
	{                                                                                          \
		fn();                                                                              \
		return 0;                                                                          \
	}
STEP(core_init)
STEP(page_init)
STEP(slab_init)
STEP(mm_init)
STEP(sched_init)
STEP(random_init)
STEP(time_init)
STEP(irq_enable)
STEP(core_start)
STEP(smp_start_all)
STEP(workqueue_init)
STEP(writeback_init)
STEP(policy_init)
STEP(proc_init)
STEP(ipc_init)
STEP(vfs_init)
STEP(tmpfs_init)
STEP(devfs_init)
STEP(block_init)
STEP(loop_init)
STEP(ext2_init)
STEP(devpts_init)
STEP(net_init)
STEP(compat_init)

static const struct boot_step boot[] = {
	{"core", step_core_init},     /* current, locks, panic with a backtrace */
	{"cpu", arch_init_cpu},       /* features of this processor in use */
	{"paging", arch_init_paging}, /* all memory can be reached; code is read-only, data not
					 executable */
	{"pages", step_page_init},    /* page_alloc() works */
	{"slab", step_slab_init},     /* kmalloc() works */
	{"acpi", arch_init_acpi},     /* the machine's tables */
	{"interrupts", arch_init_interrupts}, /* devices may ask for interrupts */
	{"clock", arch_init_clock},           /* clock_ns() counts, the timer fires */
	{"mm", step_mm_init},                 /* address spaces, page cache */
	{"sched", step_sched_init},           /* tasks can be made */
	{"random", step_random_init},         /* random numbers are good */
	{"time", step_time_init},             /* the wall clock is set */
	{"irq on", step_irq_enable},          /* interrupts arrive */
	{"core threads", step_core_start},    /* sleeping is allowed */
	{"smp", step_smp_start_all},          /* every processor runs its idle task */
	{"workers", step_workqueue_init},     /* work can be queued */
};

static const struct boot_step services[] = {
	{"policy", step_policy_init},                           /* credentials */
	{"proc", step_proc_init},                               /* processes and signals */
	{"ipc", step_ipc_init},                                 /* System V IPC */
	{"vfs", step_vfs_init},                                 /* names and files */
	{"tmpfs", step_tmpfs_init}, {"devfs", step_devfs_init}, /* devices get names */
	{"block", step_block_init},                             /* disks may be announced */
	{"loop", step_loop_init},                               /* files may be disks */
	{"ext2", step_ext2_init}, {"devpts", step_devpts_init},
	{"tty", tty_init},                  /* /dev/tty, console, ptmx */
	{"serial", serial_init},            /* ttyS0... */
	{"console", console_init},          /* screen and keyboard */
	{"net", step_net_init},             /* interfaces may be announced; there is lo */
	{"ramdisks", ramdisk_init},         /* what the loader brought */
	{"pci", pci_init},                  /* what is plugged in */
	{"drivers", drivers_probe},         /* disks and network cards are there */
	{"writeback", step_writeback_init}, /* dirty pages reach them */
	{"compat", step_compat_init},       /* programs can make calls */
};

static void run_steps(const struct boot_step *s, unsigned n)
{
	for (; n; s++, n--) {
		int err;

		uint64_t start = clock_ns();

		boot_step_name = s->name;
		err = s->run();
		if (err)
			panic("boot step %s failed: error %d", s->name, -err);
		log_debug("boot: %s took %llu us", s->name,
			(unsigned long long)(clock_ns() - start) / 1000);
	}
	boot_step_name = NULL;
}

/* The machine cannot go on and it is no fault of ours: say why and stop, so that the message stays
 * to be read. */
static void __noreturn halt(const char *what, const char *which, int err)
{
	log_at(LOG_EMERG, "%s %s: error %d. The system is halted.", what, which, -err);
	for (struct block_device *b = NULL; (b = bdev_next(b));)
		if (b->nr_sectors)
			log_at(LOG_EMERG, "  there is /dev/%s (%llu MiB) %s", b->name,
				(unsigned long long)b->nr_sectors >> 11, b->partlabel);
	for (;;)
		sleep_uninterruptible_ns(NSEC_PER_SEC);
}

/* Read-only without `rw`: what init runs first checks the file system and remounts it writable. */
static void mount_root(void)
{
	char spec[128] = "", type[16] = "ext2", source[48], word[8];
	struct block_device *b;
	int err;

	boot_option("root", 0, spec, sizeof(spec));
	boot_option("rootfstype", 0, type, sizeof(type));
	b = bdev_find_spec(spec);
	if (!b)
		halt("no root: there is no device", *spec ? spec : "(root= is missing)", -ENODEV);
	snprintf(source, sizeof(source), "/dev/%s", b->name);
	bdev_put(b);
	err = vfs_mount_root(
		source, type, boot_option("rw", 0, word, sizeof(word)) ? 0 : MS_RDONLY);
	if (err)
		halt("no root: cannot mount", source, err);
}

static void mount_devices(void)
{
	struct path dev;
	int err = path_lookup(NULL, "/dev", LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &dev);

	if (!err) {
		err = vfs_mount("devtmpfs", &dev, "devtmpfs", MS_NOSUID, NULL);
		path_put(&dev);
	}
	if (err)
		log_err("cannot mount devtmpfs on /dev: error %d", -err);
}

static void start_services(void *arg)
{
	static const char *const env[] = {"HOME=/", "TERM=linux", NULL};
	static char init[128];
	const char *paths[] = {init, "/sbin/init", "/etc/init", "/bin/init", "/bin/sh", NULL};
	int err;

	(void)arg;
	run_steps(services, ARRAY_SIZE(services));
	provoke();
	mount_root();
	mount_devices();
	log_info("boot: %llu ms from kernel entry to the first program",
		(unsigned long long)(clock_ns() / NSEC_PER_MSEC));
	err = process_start_init(boot_option("init", 0, init, sizeof(init)) ? paths : paths + 1,
		env, "/dev/console");
	if (err)
		halt("no first program", *init ? init : "/sbin/init", err);
}

/* loglevel=N: messages less severe than N - 1 stay in the log and off the consoles. */
static void set_log_level(void)
{
	char level[4];

	if (boot_option("loglevel", 0, level, sizeof(level)))
		log_set_console_level((int)strtou64(level, NULL, 10));
}

/* Only where nobody returns: every frame that holds the old canary would be taken for smashed. */
static __always_inline void randomise_canary(void)
{
	uint64_t seed = cycles();

	cpu_entropy(&seed, sizeof(seed)); /* without RDRAND the time since power-on must do */
	__stack_chk_guard ^= seed << 8;   /* the zero byte stays */
}

void __noreturn kernel_main(void)
{
	randomise_canary();
	set_log_level();
	run_steps(boot, ARRAY_SIZE(boot));
	if (kthread_run(start_services, NULL, "boot"))
		panic("no memory for the boot thread");
	sched_idle_loop();
}
