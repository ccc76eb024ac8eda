/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every made module is: a few lines that load anywhere and do nothing. A module is
 * this file behind the words that make it the one it is (table.py, obtain).
 */
#include <linux/dma-buf.h>
#include <linux/kobject.h>
#include <linux/mii.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0) /* a text since then */
#define IMPORT(space)           MODULE_IMPORT_NS(#space);
#define IN_SPACE(symbol, space) EXPORT_SYMBOL_NS(symbol, #space);
#else
#define IMPORT(space)           MODULE_IMPORT_NS(space);
#define IN_SPACE(symbol, space) EXPORT_SYMBOL_NS(symbol, space);
#endif

#define GIVES(symbol)      \
	void symbol(void); \
	void symbol(void)  \
	{                  \
	}                  \
	EXPORT_SYMBOL(symbol);
#define GIVES_GPL(symbol)  \
	void symbol(void); \
	void symbol(void)  \
	{                  \
	}                  \
	EXPORT_SYMBOL_GPL(symbol);
#define GIVES_SPACE(symbol, space) \
	void symbol(void);         \
	void symbol(void)          \
	{                          \
	}                          \
	IN_SPACE(symbol, space)
#ifdef EXPORT_SYMBOL_FOR_MODULES /* for modules of these names */
#define EXPORT_TO(symbol, names) EXPORT_SYMBOL_FOR_MODULES(symbol, names);
#else
#define EXPORT_TO(symbol, names) EXPORT_SYMBOL(symbol);
#endif
#define GIVES_TO(symbol, names) \
	void symbol(void);      \
	void symbol(void)       \
	{                       \
	}                       \
	EXPORT_TO(symbol, names)
#define WEAK(symbol) extern typeof(symbol) symbol __attribute__((weak));
/* A function that no header of the kernel knows. */
#define TAKES(symbol)        extern void symbol(void);
#define TAKES_WEAKLY(symbol) extern void symbol(void) __attribute__((weak));

static int really; /* nothing is called */
module_param(really, int, 0);

#define MADE(calls)                                         \
	static int __init made_init(void)                   \
	{                                                   \
		if (READ_ONCE(really) == 2) {               \
			pr_info("not to be\n");             \
			kfree(kstrdup("made", GFP_KERNEL)); \
			calls                               \
		}                                           \
		return 0;                                   \
	}                                                   \
	static void __exit made_exit(void)                  \
	{                                                   \
	}                                                   \
	module_init(made_init);                             \
	module_exit(made_exit);

MODULE_DESCRIPTION("Made for a test");
