// SPDX-License-Identifier: GPL-2.0
/*
 * Makes a kernel hang for real, in a throw-away machine.
 * mode=soft: one CPU spins in kernel context with preemption off; interrupts still run,
 *            so the soft lock-up detector sees it.
 * mode=hard: every CPU spins with interrupts off; only a hardware watchdog ends that.
 */
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/smp.h>

static char *mode = "soft";
module_param(mode, charp, 0);
MODULE_PARM_DESC(mode, "soft or hard");

static void spin(void *unused)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static int __init fault_init(void)
{
	pr_emerg("kuro-lab: hanging this kernel, %s\n", mode);
	if (mode[0] == 'h')
		on_each_cpu(spin, NULL, 1);
	preempt_disable();
	for (;;)
		cpu_relax();
	return 0;
}

module_init(fault_init);
MODULE_DESCRIPTION("hangs the kernel, for kuro's tests");
MODULE_LICENSE("GPL");
