/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The doctor: each row of the table looks at one thing that a promise stands on.
 */
#include "flow/doctor.h"

#include <string.h>
#include <sys/stat.h>

#include "act/durable.h"
#include "act/integrate.h"
#include "base/cleanup.h"
#include "base/process.h"
#include "doctor-parts.h"
#include "flow/recover.h"
#include "probe/boot-files.h"
#include "probe/grub-config.h"
#include "store/records.h"

#define DOCTOR_GENERATIONS 3 /* that /boot must have room for: good, previous, trial */
#define MEBIBYTE           (1024.0 * 1024.0)

/* What all rows look at. */
struct examination {
	const struct machine *machine;
	struct inventory inventory;
};

void finding_set(struct finding *f, enum finding_state state, char *why, const char *mend)
{
	f->state = state;
	f->why = why;
	f->mend = str_dup(mend);
}

static void examine_good(struct examination *x, struct finding *f)
{
	const struct inventory *inv = &x->inventory;
	struct error local = {0};

	if (inv->block_damaged)
		finding_set(f, FINDING_BROKEN, str_dup(inv->block_problem),
			    "kuro recover");
	else if (inv->block.good == 0)
		finding_set(
			f, FINDING_BROKEN,
			str_dup("no generation is known to be good: kuro is not set up"),
			"kuro setup");
	else if (boot_files_verify(x->machine->root, inv->block.good, true, &local) < 0)
		finding_set(f, FINDING_BROKEN, str_dup(local.message),
			    "kuro rollback, then kuro setup");
	else
		finding_set(f, FINDING_KEPT,
			    str_format("generation %u is good and whole",
				       inv->block.good),
			    NULL);
}

static void examine_entries(struct examination *x, struct finding *f)
{
	if (!integrate_grub_cfg(x->machine->root))
		finding_set(f, FINDING_BROKEN, str_dup("there is no grub.cfg here"),
			    "install GRUB 2, then: kuro setup");
	else if (!integrate_grub_has_kuro(x->machine->root))
		finding_set(f, FINDING_BROKEN,
			    str_dup("grub.cfg has no entries of kuro's"), "kuro setup");
	else
		finding_set(f, FINDING_KEPT, str_dup("grub.cfg carries kuro's entries"),
			    NULL);
}

/* The file system that the environment block lies on. */
static const struct storage *examine_env_storage(struct examination *x)
{
	autofree char *path = boot_files_env_path(x->machine->root);
	const struct storage *esp = &x->inventory.storage.roles[STORAGE_ESP];

	if (esp->present && esp->mount && str_starts(path, esp->mount) &&
	    path[strlen(esp->mount)] == '/' && !str_eq(esp->mount, "/boot"))
		return esp;
	return storage_of_boot(&x->inventory.storage);
}

static void examine_writable(struct examination *x, struct finding *f)
{
	const struct storage *s = examine_env_storage(x);
	const char *options = s->options ? s->options : "";

	if (!s->plain)
		finding_set(
			f, FINDING_BROKEN,
			str_format(
				"%s is not on a plain partition: GRUB can't write there",
				s->mount ? s->mount : "/boot"),
			"mount an EFI system partition or a plain /boot, then: kuro "
			"setup");
	else if (strstr(options, "data=journal"))
		finding_set(
			f, FINDING_BROKEN,
			str_format("%s is mounted data=journal: replaying it undoes what "
				   "GRUB wrote",
				   s->mount ? s->mount : "/boot"),
			"mount it data=ordered");
	else if (s->read_only)
		finding_set(
			f, FINDING_WEAK,
			str_format("%s is mounted read-only: GRUB can count, kuro can't "
				   "arm or bless",
				   s->mount ? s->mount : "/boot"),
			"mount it read-write");
	else
		finding_set(f, FINDING_KEPT,
			    str_format("%s on %s, a plain partition",
				       s->type ? s->type : "?",
				       s->device ? s->device : "?"),
			    NULL);
}

static void examine_durable(struct examination *x, struct finding *f)
{
	struct error local = {0};
	const char *way = NULL;

	if (durable_way(x->machine->root, "/boot", &way, &local) < 0)
		finding_set(f, FINDING_BROKEN, str_dup(local.message), NULL);
	else
		finding_set(f, FINDING_KEPT, str_format("by %s", way), NULL);
}

static void examine_previous(struct examination *x, struct finding *f)
{
	unsigned int previous = x->inventory.block.previous;
	struct error local = {0};

	if (previous == 0)
		finding_set(
			f, FINDING_WEAK,
			str_dup("there is no previous generation yet: a good one that "
				"breaks later has no successor"),
			"it comes with the first blessed upgrade");
	else if (boot_files_verify(x->machine->root, previous, true, &local) < 0)
		finding_set(f, FINDING_BROKEN, str_dup(local.message), NULL);
	else
		finding_set(f, FINDING_KEPT,
			    str_format("generation %u is whole", previous), NULL);
}

/* Room of the largest generation, as if nothing of it were shared. */
static uint64_t examine_generation_size(const struct inventory *inv)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < inv->generation_count; i++) {
		const struct manifest *m = &inv->generations[i].manifest;
		uint64_t size = 0;

		for (size_t k = 0; k < m->file_count; k++)
			size += m->files[k].size;
		if (size > largest)
			largest = size;
	}
	return largest;
}

static void examine_room(struct examination *x, struct finding *f)
{
	const struct storage *s = storage_of_boot(&x->inventory.storage);
	uint64_t one = examine_generation_size(&x->inventory);

	if (one == 0)
		finding_set(f, FINDING_UNKNOWN,
			    str_dup("there is no generation to measure by"), NULL);
	else if (s->total < one * DOCTOR_GENERATIONS)
		finding_set(
			f, FINDING_WEAK,
			str_format(
				"%.0f MiB in all, %d generations of %.0f MiB need %.0f",
				(double)s->total / MEBIBYTE, DOCTOR_GENERATIONS,
				(double)one / MEBIBYTE,
				(double)one * DOCTOR_GENERATIONS / MEBIBYTE),
			"enlarge /boot, or build smaller initramfs images (MODULES=dep)");
	else
		finding_set(
			f, s->free < one ? FINDING_WEAK : FINDING_KEPT,
			str_format("%.0f of %.0f MiB free; one generation is %.0f MiB",
				   (double)s->free / MEBIBYTE,
				   (double)s->total / MEBIBYTE, (double)one / MEBIBYTE),
			s->free < one ? "remove kernels that are not needed" : NULL);
}

static void examine_panic(struct examination *x, struct finding *f)
{
	const struct strv *args =
		policy_strings(x->machine->policy, POLICY_BOOT_TRIAL_ARGS);
	bool panic = false;

	for (size_t i = 0; i < args->count; i++)
		panic |= str_starts(args->items[i], "panic=") &&
			 !str_eq(args->items[i], "panic=0");
	if (panic)
		finding_set(f, FINDING_KEPT,
			    str_dup("a trial's command line says panic=, so its kernel "
				    "resets "
				    "itself"),
			    NULL);
	else
		finding_set(f, FINDING_BROKEN,
			    str_dup("boot.trial_args holds no panic=N"),
			    "put \"panic=10\" into boot.trial_args");
}

/* The first watchdog that is more than software, or NULL; caller frees. */
static char *examine_watchdog_name(const struct root *root)
{
	autostrv struct strv names = {0};

	if (root_list(root, "/sys/class/watchdog", &names, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < names.count; i++) {
		autofree char *path =
			str_format("/sys/class/watchdog/%s/identity", names.items[i]);
		autofree char *word = NULL;

		if (root_read_line(root, path, &word, NULL) == 0 &&
		    !str_starts(word, "Software"))
			return take_ptr(word);
	}
	return NULL;
}

static void examine_hang(struct examination *x, struct finding *f)
{
	autofree char *name = examine_watchdog_name(x->machine->root);

	if (!name)
		finding_set(
			f, FINDING_WEAK,
			str_dup("no hardware watchdog: soft lock-ups (softlockup_panic) "
				"and "
				"hangs of user space (dead-man's timer) are covered, a "
				"processor that stops is not"),
			"load the driver of this machine's watchdog (iTCO_wdt, "
			"ipmi_watchdog, "
			"i6300esb, …)");
	else if (str_starts(name, "IPMI") || strstr(name, "BMC"))
		finding_set(f, FINDING_KEPT,
			    str_format("%s, which survives the reset into a trial", name),
			    NULL);
	else
		finding_set(
			f, FINDING_WEAK,
			str_format(
				"%s covers hangs once its driver is loaded; before that "
				"nothing does",
				name),
			NULL);
}

static void examine_units(struct examination *x, struct finding *f)
{
	const char *argv[16] = {"systemctl", "is-enabled"};
	struct process process = {.argv = argv, .root = x->machine->root, .timeout = 10};
	autoprocess struct process_result result = {0};

	for (size_t i = 0; integrate_units[i] && i + 3 < ARRAY_LEN(argv); i++)
		argv[i + 2] = integrate_units[i];
	if (process_run(&process, &result, NULL) < 0)
		finding_set(f, FINDING_UNKNOWN, str_dup("systemctl can't be asked"),
			    NULL);
	else if (result.status != 0)
		finding_set(f, FINDING_BROKEN,
			    str_dup("not every unit of kuro's is enabled"), "kuro setup");
	else
		finding_set(f, FINDING_KEPT, str_dup("kuro's units are enabled"), NULL);
}

static void examine_initramfs_time(struct examination *x, struct finding *f)
{
	examine_compression(x->machine, f);
}

static void examine_evidence(struct examination *x, struct finding *f)
{
	const struct root *root = x->machine->root;
	bool journal = root_exists(root, "/var/log/journal");
	autofree char *backend = NULL;

	(void)root_read_line(root, "/sys/module/pstore/parameters/backend", &backend,
			     NULL); /* without the module: none */
	if (backend && (str_eq(backend, "(null)") || !*backend)) {
		free(backend);
		backend = NULL;
	}
	if (journal && backend)
		finding_set(
			f, FINDING_KEPT,
			str_format("the journal is kept, and kernel messages through %s",
				   backend),
			NULL);
	else
		finding_set(f, FINDING_WEAK,
			    str_format("the journal %s, kernel messages of a crash %s",
				       journal ? "is kept" : "is lost at a reboot",
				       backend ? "are kept" : "are lost (no pstore)"),
			    journal ? NULL : "mkdir /var/log/journal");
}

static void examine_interrupted(struct examination *x, struct finding *f)
{
	struct transaction_list running = {0};
	struct error local = {0};

	if (transaction_list_state(x->machine->db, TRANSACTION_RUNNING, &running,
				   &local) < 0)
		finding_set(f, FINDING_BROKEN, str_dup(local.message), "kuro recover");
	else if (running.count > 0)
		finding_set(f, FINDING_WEAK,
			    str_format("transaction %lld is running or was interrupted",
				       (long long)running.items[0].id),
			    "if none runs: kuro recover");
	else
		finding_set(f, FINDING_KEPT, str_dup("nothing is half-done"), NULL);
	transaction_list_done(&running);
}

static void examine_plain_boot(struct examination *x, struct finding *f)
{
	struct grub_choice choice = {0};
	struct error local = {0};

	if (grub_config_choice(x->machine->root, &choice, &local) < 0)
		finding_set(f, FINDING_WEAK, str_dup(local.message), NULL);
	else
		finding_set(f, FINDING_KEPT,
			    str_format("the distribution's own entry \"%s\" is whole",
				       choice.title),
			    NULL);
	grub_choice_done(&choice);
}

static void examine_next(struct examination *x, struct finding *f)
{
	examine_next_kernel(x->machine, f);
}

static const struct {
	const char *promise;
	void (*examine)(struct examination *x, struct finding *f);
} examinations[] = {
	{"1. The default boot is one that this machine has proven", examine_good},
	{"1. GRUB knows kuro's entries", examine_entries},
	{"2. GRUB can count a trial's boots", examine_writable},
	{"2. New files reach the disk where GRUB reads them", examine_durable},
	{"2. A trial that panics resets itself", examine_panic},
	{"2. A trial that hangs resets itself", examine_hang},
	{"2. Boots are judged", examine_units},
	{"3. There is something to go back to", examine_previous},
	{"4. Nothing is left half-installed", examine_interrupted},
	{"5. /boot has room for three generations", examine_room},
	{"5. Building an initramfs takes no longer than it must", examine_initramfs_time},
	{"5. There is room for the next kernel", examine_next},
	{"6. Evidence outlives the reboot", examine_evidence},
	{"7. Without kuro the machine boots as its distribution intended",
	 examine_plain_boot},
};

void finding_list_done(struct finding_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].why);
		free(list->items[i].mend);
	}
	free(list->items);
	*list = (struct finding_list){0};
}

const char *finding_state_name(enum finding_state state)
{
	static const char *const names[] = {
		[FINDING_KEPT] = "kept",
		[FINDING_WEAK] = "weak",
		[FINDING_BROKEN] = "broken",
		[FINDING_UNKNOWN] = "unknown",
	};

	return names[state];
}

int doctor_run(const struct machine *machine, struct finding_list *ret, struct error *err)
{
	struct examination x = {.machine = machine};
	int r = inventory_gather(machine, INVENTORY_MANIFESTS, &x.inventory, err);

	if (r < 0)
		return r;
	ret->items = mem_zalloc(ARRAY_LEN(examinations) * sizeof(*ret->items));
	ret->count = ARRAY_LEN(examinations);
	for (size_t i = 0; i < ret->count; i++) {
		ret->items[i].promise = examinations[i].promise;
		examinations[i].examine(&x, &ret->items[i]);
	}
	inventory_done(&x.inventory);
	return 0;
}
