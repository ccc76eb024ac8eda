/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows of the state database. Lists come newest first unless said. Every call is
 * durable when it returns (in a write-mode connection), or changed nothing.
 * A row that is asked for and missing is -ENOENT. Times are seconds since 1970, UTC.
 *
 * On failure: what database_open gives, and -EINVAL: a member that may not be NULL is, or
 * an enum has no such value; -EFBIG: a text over 16 MiB, a list over 100,000 rows;
 * -ERROR_DAMAGED: a row holds what kuro never writes. Texts are as they were found on
 * disk: str_printable before a terminal. Lists are freed with NOUN_list_done.
 */
#pragma once

#include "core/compat-record.h"
#include "core/transaction.h"
#include "store/database.h"

/*
 * Transactions. add fills id from the database, above every id in use and every one that
 * a generation names; t->id is ignored.
 */
int transaction_add(struct database *db, const struct transaction *t, int64_t *ret_id,
		    struct error *err);
/* Write every field of t but id, kind and begun. */
int transaction_update(struct database *db, const struct transaction *t,
		       struct error *err);
int transaction_get(struct database *db, int64_t id, struct transaction *ret,
		    struct error *err);
/* The newest; -ENOENT where there is none. */
int transaction_last(struct database *db, struct transaction *ret, struct error *err);
/* At most limit (0: all), newest first. */
int transaction_list(struct database *db, unsigned int limit,
		     struct transaction_list *ret, struct error *err);
/* Those in one state, newest first. */
int transaction_list_state(struct database *db, enum transaction_state state,
			   struct transaction_list *ret, struct error *err);

/*
 * The newest transaction that is armed for this generation's trial. Where there is none
 * ret is all zero (id 0) and 0 is returned.
 */
int transaction_get_armed(struct database *db, unsigned int generation,
			  struct transaction *ret, struct error *err);

/*
 * A step: one row for each (transaction, name); setting it again overwrites. -ENOENT:
 * there is no such transaction.
 */
int step_set(struct database *db, const struct step *s, struct error *err);
/* In the order in which they began. */
int step_list(struct database *db, int64_t transaction, struct step_list *ret,
	      struct error *err);

/* Boots, keyed by boot id; put inserts or overwrites. */
int boot_put(struct database *db, const struct boot *b, struct error *err);
int boot_get(struct database *db, const char *boot_id, struct boot *ret,
	     struct error *err);
int boot_list(struct database *db, unsigned int limit, struct boot_list *ret,
	      struct error *err);
/* Trial boots that a transaction led to, newest first. No clock is asked. */
int boot_list_trials(struct database *db, int64_t transaction, struct boot_list *ret,
		     struct error *err);

/* Generations, keyed by number; put inserts or overwrites. */
int generation_put(struct database *db, const struct generation_record *g,
		   struct error *err);
int generation_get(struct database *db, unsigned int generation,
		   struct generation_record *ret, struct error *err);
int generation_list(struct database *db, struct generation_record_list *ret,
		    struct error *err);

/* Holds, keyed by release. Expired ones are not listed. */
int hold_put(struct database *db, const struct hold *h, struct error *err);
/* Lift; -ENOENT where the release is not held. */
int hold_remove(struct database *db, const char *release, struct error *err);
/* The hold in force on a release at time now; -ENOENT for none. */
int hold_get(struct database *db, const char *release, int64_t now, struct hold *ret,
	     struct error *err);
int hold_list(struct database *db, int64_t now, struct hold_list *ret, struct error *err);

/*
 * The compatibility record, keyed by module, version, release and kind of machine; put
 * inserts or overwrites. get takes the key's six members from key; -ENOENT. The list is
 * in the order of modules, then releases; for one release where release is not NULL.
 */
int compat_record_put(struct database *db, const struct compat_record *record,
		      struct error *err);
int compat_record_get(struct database *db, const struct compat_record *key,
		      struct compat_record *ret, struct error *err);
int compat_record_list(struct database *db, const char *release,
		       struct compat_record_list *ret, struct error *err);

/* Evidence. e->id is ignored. -EACCES: root alone may read or add it. */
int evidence_add(struct database *db, const struct evidence *e, struct error *err);
/* Of one transaction, in the order gathered. */
int evidence_list(struct database *db, int64_t transaction, struct evidence_list *ret,
		  struct error *err);
