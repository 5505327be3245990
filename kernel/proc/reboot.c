/*
 * reboot.c - the end of the system: disks first, then the machine. Ctrl-Alt-Del.
 *
 * Does not: end programs; that is init's work, done before it calls.
 */
#include <arch/cpu.h>
#include <cred.h>
#include <error.h>
#include <log.h>
#include <policy.h>
#include <process.h>
#include <vfs.h>
#include <workqueue.h>
#include "proc.h"

static bool cad_restarts = true;
static struct work cad_work;

static void go_down(enum reboot_how how)
{
	static const char *const name[] = {"restarting", "halted", "powering off"};

	if (vfs_sync_all())
		log_err("reboot: some data could not be written");
	vfs_remount_all_readonly();
	log_at(LOG_EMERG, "system: %s", name[how]);
	if (how == REBOOT_RESTART)
		machine_reboot();
	if (how == REBOOT_POWER_OFF)
		machine_power_off();
	cpu_halt_all();
}

int process_reboot(enum reboot_how how)
{
	int err;

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	err = policy_sys(current->cred, POLICY_REBOOT);
	if (err)
		return err;
	go_down(how);
	return 0;
}

void reboot_set_cad(bool kernel_restarts)
{
	WRITE_ONCE(cad_restarts, kernel_restarts);
}

static void restart_now(struct work *w)
{
	(void)w;
	go_down(REBOOT_RESTART);
}

/* Any context: the keyboard's interrupt calls it. */
void reboot_cad(void)
{
	struct process *init = READ_ONCE(init_process);

	if (init && !READ_ONCE(cad_restarts)) {
		signal_send_process(init, SIGINT, NULL);
		return;
	}
	if (!READ_ONCE(cad_work.fn))
		work_init(&cad_work, restart_now);
	work_queue(&cad_work);
}
