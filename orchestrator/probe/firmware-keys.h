/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keys and hashes that a kernel takes from the firmware and from the machine's owner,
 * through shim: trusted ones and revoked ones. For trusted-keys.c.
 */
#pragma once

#include "base/text.h"
#include "crypto-library.h"
#include "probe/kernel-abi.h"

#define CERTIFICATES_MAX 1024
#define REVOKED_HASH     32 /* bytes: SHA-256 */

struct certificates {
	X509 *items[CERTIFICATES_MAX];
	size_t count;
	bool complete; /* the image was asked */
};
/* A certificate's DER bytes; what is none, or one too many, is left out. */
void certificates_add(struct certificates *certificates, const void *der, size_t len);

struct firmware_keys {
	struct certificates *trusted;
	size_t platform_from, platform_to; /* of trusted: those in .platform alone */
	struct certificates *revoked;      /* .blacklist */
	struct text hashes;                /* likewise, of files, REVOKED_HASH each */
};

/*
 * Which of them the source's kernel would take at its boot, by its configuration, its
 * release and whether the firmware of root enforces Secure Boot. What can't be read has
 * no key. Rules: security/integrity/platform_certs/load_uefi.c, machine_keyring.c.
 *
 * The owner's keys go to .machine where the kernel has it (5.18,
 * INTEGRITY_MACHINE_KEYRING) and shim says by MokListTrustedRT that they may, else to
 * .platform. Linux as it is published asks .machine for modules, and never .platform. The
 * kernels of Debian, Fedora, Red Hat and SUSE ask .platform too ("KEYS: Make use of
 * platform keyring for module signature verify"), so that there MokListTrustedRT decides
 * only whether dbx is asked for such a key before 6.6. Debian's configurations of 6.1
 * and 6.12 have both rings, and 6.12 has INTEGRITY_CA_MACHINE_KEYRING off. That patch has
 * no option of its own: the same distributions' lockdown under Secure Boot, which Linux
 * does not have, is the mark.
 */
void firmware_keys_read(const struct root *root, const struct kernel_source *source,
			struct firmware_keys *ret);
void firmware_keys_done(struct firmware_keys *keys);

/* Is "CONFIG_NAME=y" a line of the configuration? Without one it is taken to be. */
bool source_config_has(const struct kernel_source *source, const char *line);
