// SPDX-License-Identifier: GPL-2.0
/* What another module stands on. */
#include <linux/module.h>

int kuro_base_touch(int value);
int kuro_base_touch(int value)
{
	pr_info("touched %d\n", value);
	return value;
}
EXPORT_SYMBOL_GPL(kuro_base_touch);
MODULE_ALIAS("pci:v0000B0A5d00000001sv*sd*bc*sc*i*");
MODULE_VERSION("1.2");
MODULE_LICENSE("GPL");
