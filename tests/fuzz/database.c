/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Database files with any content: opened for reading and for writing, everything that
 * can be listed is listed. Inputs that begin with 'p' are patches to a good database
 * (offset, byte), so that the search begins behind SQLite's own checks; others are the
 * file itself.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/root-file.h"
#include "fuzz.h"
#include "store/records.h"

static const char *const paths[] = {DATABASE_PATH, DATABASE_EVIDENCE_PATH};

static struct {
	struct root root;
	char *good[ARRAY_LEN(paths)];
	size_t len[ARRAY_LEN(paths)];
} machine;

static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	(void)fprintf(stderr, "database: %s: %s\n", what, error_name(r)); /* ends here */
	abort();
}

/* One row of each table. */
static void fill(struct database *db)
{
	char text[] = "6.1.0-56-cloud-amd64";
	struct transaction t = {.release = text, .summary = text, .detail = text};
	struct step s = {.transaction = 1, .name = text};
	struct boot b = {.boot_id = text,
			 .release = text,
			 .generation = 1,
			 .trial = true};
	struct generation_record g = {.generation = 1, .release = text};
	struct hold h = {.release = text, .reason = text};
	struct evidence e = {.transaction = 1, .kind = text, .content = text};

	must(transaction_add(db, &t, NULL, NULL), "transaction_add");
	must(step_set(db, &s, NULL), "step_set");
	must(boot_put(db, &b, NULL), "boot_put");
	must(generation_put(db, &g, NULL), "generation_put");
	must(hold_put(db, &h, NULL), "hold_put");
	must(evidence_add(db, &e, NULL), "evidence_add");
}

static void remove_machine(void)
{
	(void)root_remove_tree(&machine.root, "/var", NULL); /* a directory in /tmp */
	(void)rmdir(machine.root.path);                      /* likewise */
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		free(machine.good[i]);
	root_done(&machine.root);
}

static void make_machine(void)
{
	char dir[] = "/dev/shm/kuro-fuzz.XXXXXX";
	struct database *db = NULL;

	if (!mkdtemp(dir))
		must(-errno, dir);
	must(root_open(&machine.root, dir, NULL), "root_open");
	must(root_mkdirs(&machine.root, "/var/lib", 0755, NULL), "root_mkdirs");
	must(database_open(&machine.root, DATABASE_WRITE, &db, NULL), "database_open");
	fill(db);
	database_close(db);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		must(root_read(&machine.root, paths[i], 1 << 20, &machine.good[i],
			       &machine.len[i], NULL),
		     "root_read");
	must(atexit(remove_machine), "atexit");
}

/* Three bytes a patch: the offset's and the new one. */
static void write_patched(size_t i, const uint8_t *data, size_t size)
{
	autofree char *copy = mem_zalloc(machine.len[i]);

	memcpy(copy, machine.good[i], machine.len[i]);
	for (; size >= 3; data += 3, size -= 3)
		copy[(data[0] << 8 | data[1]) % machine.len[i]] = (char)data[2];
	must(root_write(&machine.root, paths[i], 0644, copy, machine.len[i], NULL),
	     "write");
}

static void list_of_transaction(struct database *db, int64_t id)
{
	struct step_list steps = {0};
	struct evidence_list evidence = {0};

	(void)step_list(db, id, &steps, NULL); /* any answer will do, here and below */
	(void)evidence_list(db, id, &evidence, NULL);
	step_list_done(&steps);
	evidence_list_done(&evidence);
}

static void list_everything(struct database *db)
{
	struct transaction_list transactions = {0}, running = {0};
	struct boot_list boots = {0}, trials = {0};
	struct generation_record_list generations = {0};
	struct hold_list holds = {0};
	struct compat_record_list records = {0};

	(void)transaction_list(db, 0, &transactions, NULL); /* any answer will do */
	(void)transaction_list_state(db, TRANSACTION_RUNNING, &running, NULL);
	(void)boot_list(db, 0, &boots, NULL);
	(void)boot_list_trials(db, 1, &trials, NULL);
	(void)generation_list(db, &generations, NULL);
	(void)hold_list(db, 0, &holds, NULL);
	(void)compat_record_list(db, NULL, &records, NULL);
	list_of_transaction(db, 1);
	transaction_list_done(&transactions);
	transaction_list_done(&running);
	boot_list_done(&boots);
	boot_list_done(&trials);
	generation_record_list_done(&generations);
	hold_list_done(&holds);
	compat_record_list_done(&records);
}

static void open_and_list(enum database_mode mode)
{
	autodatabase struct database *db = NULL;
	struct transaction t = {0};

	if (database_open(&machine.root, mode, &db, NULL) < 0)
		return;
	list_everything(db);
	if (mode == DATABASE_WRITE)
		(void)transaction_add(db, &t, NULL, NULL); /* any answer will do */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const left[] = {"journal", "wal", "shm"};
	size_t i = size > 1 ? data[1] & 1 : 0;

	if (!machine.root.path)
		make_machine();
	for (size_t other = 0; other < ARRAY_LEN(paths); other++)
		write_patched(other, data, 0);
	if (size > 2 && data[0] == 'p')
		write_patched(i, data + 2, size - 2);
	else
		must(root_write(&machine.root, paths[0], 0644, (const char *)data, size,
				NULL),
		     "write");
	open_and_list(DATABASE_READ);
	open_and_list(DATABASE_WRITE);
	for (size_t n = 0; n < ARRAY_LEN(paths) * ARRAY_LEN(left); n++) {
		autofree char *path = str_format("%s-%s", paths[n % ARRAY_LEN(paths)],
						 left[n / ARRAY_LEN(paths)]);

		must(root_unlink(&machine.root, path, NULL), "unlink");
	}
	return 0;
}
