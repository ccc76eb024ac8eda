// SPDX-License-Identifier: GPL-2.0
/* Needs the other one, and asks for an algorithm by its alias. */
#include <linux/module.h>

int kuro_base_touch(int value);
static int __init user_begin(void)
{
	return kuro_base_touch(0);
}
module_init(user_begin);
static void __exit user_end(void)
{
}
module_exit(user_end);
MODULE_SOFTDEP("pre: crypto-blake2b-256");
MODULE_LICENSE("GPL");
