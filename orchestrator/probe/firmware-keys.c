/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel's load_uefi_certs() does at boot: the firmware's db and dbx always, the
 * machine owner's lists under Secure Boot alone, where nobody else can have written them.
 */
#include "firmware-keys.h"

#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "efi-signatures.h"
#include "probe/firmware.h"

#define EFI_DIR         "/sys/firmware/efi"
#define EFIVARS_DIR     EFI_DIR "/efivars"
#define SHIM            "-605dab50-e046-4300-abb6-3dd810dd8b23"
#define SECURITY        "-d719b2cb-3d3a-4596-a3bc-dad00e67656f"
#define MOK_TABLE       EFI_DIR "/mok-variables/MokListRT"
#define MOK_TRUSTED     EFI_DIR "/mok-variables/MokListTrustedRT"
#define MOK_VARIABLE    EFIVARS_DIR "/MokListRT" SHIM
#define MOKX_VARIABLE   EFIVARS_DIR "/MokListXRT" SHIM
#define IGNORE_DB       EFIVARS_DIR "/MokIgnoreDB" SHIM
#define DB_VARIABLE     EFIVARS_DIR "/db" SECURITY
#define DBX_VARIABLE    EFIVARS_DIR "/dbx" SECURITY
#define VARIABLE_MAX    ((size_t)1024 * 1024)
#define ATTRIBUTES_SIZE 4 /* before the content of a file in efivarfs */
/* "integrity: Do not load MOK and MOKx when secure boot be disabled" */
#define MOK_NEEDS_SECURE_BOOT "5.17"
/* IMA's way of asking for Secure Boot became every kernel's: "integrity: Make
 * arch_ima_get_secureboot integrity-wide" */
#define SECURE_BOOT_WITHOUT_IMA "7.1"

void certificates_add(struct certificates *certificates, const void *der, size_t len)
{
	const unsigned char *p = der;
	X509 *certificate;

	if (certificates->count == CERTIFICATES_MAX || len > VARIABLE_MAX)
		return;
	certificate = sym_d2i_X509(NULL, &p, (long)len);
	if (certificate)
		certificates->items[certificates->count++] = certificate;
}

static void add_certificate(void *data, const void *der, size_t len)
{
	certificates_add(data, der, len);
}

static void certificates_free(struct certificates *certificates)
{
	for (size_t i = 0; i < certificates->count; i++)
		sym_X509_free(certificates->items[i]);
	free(certificates);
}

static void add_hash(void *data, const void *hash, size_t len)
{
	if (len == REVOKED_HASH)
		text_append_n(data, hash, len);
}

/* Those of the owner's keys that go to one ring. */
struct owners_keys {
	struct certificates *ret;
	bool some; /* else all of them: */
	bool authorities;
	bool plain_only; /* INTEGRITY_CA_MACHINE_KEYRING_MAX: no other use */
};

/* restrict_link_by_ca (crypto/asymmetric_keys/restrict.c) */
static bool is_authority(const struct owners_keys *keys, X509 *certificate)
{
	uint32_t flags = sym_X509_get_extension_flags(certificate);
	uint32_t usage = sym_X509_get_key_usage(certificate);

	return (flags & EXFLAG_CA) && (flags & EXFLAG_KUSAGE) &&
	       (usage & KU_KEY_CERT_SIGN) &&
	       !(keys->plain_only && (usage & KU_DIGITAL_SIGNATURE));
}

static void add_owners(void *data, const void *der, size_t len)
{
	const struct owners_keys *keys = data;
	size_t count = keys->ret->count;
	X509 *added;

	certificates_add(keys->ret, der, len);
	if (!keys->some || keys->ret->count == count)
		return;
	added = keys->ret->items[count];
	if (is_authority(keys, added) == keys->authorities)
		return;
	sym_X509_free(added);
	keys->ret->count = count;
}

static void read_variable(const struct root *root, const char *path, size_t skip,
			  void (*take)(void *data, const void *der, size_t len),
			  void *take_data)
{
	autofree char *data = NULL;
	size_t len = 0;

	/* Absent without UEFI, or root's alone: then none of its keys is known. */
	if (root_read(root, path, VARIABLE_MAX, &data, &len, NULL) < 0 || len < skip)
		return;
	efi_signatures_each(EFI_SIGNATURE_X509, data + skip, len - skip, take, take_data);
}

bool source_config_has(const struct kernel_source *source, const char *line)
{
	const void *data;
	const char *text, *end, *found;
	size_t len, want = strlen(line);

	if (source->file(source->data, "config", &data, &len, NULL) < 0)
		return true;
	text = data;
	for (end = text + len; (found = memmem(text, (size_t)(end - text), line, want));
	     text = found + 1)
		if ((found == data || found[-1] == '\n') &&
		    (found + want == end || found[want] == '\n'))
			return true;
	return false;
}

/* One kernel at one boot. */
struct reading {
	const struct root *root;
	const struct kernel_source *source;
	bool platform;      /* it has the ring, and reads the firmware's lists */
	bool asked;         /* that ring is asked for modules */
	bool owners_counts; /* it takes the machine owner's, too */
	struct firmware_keys *ret;
};

static bool release_since(const struct reading *reading, const char *release)
{
	return !reading->source->release ||
	       release_compare(reading->source->release, release) >= 0;
}

/*
 * Does the kernel take the owner's lists? shim's variables are protected by Secure Boot
 * alone; whether it is on, most kernels know by IMA.
 */
static bool owner_counts(const struct reading *reading)
{
	struct firmware firmware = {0};

	if (!release_since(reading, MOK_NEEDS_SECURE_BOOT))
		return true;
	if (!release_since(reading, SECURE_BOOT_WITHOUT_IMA) &&
	    !source_config_has(reading->source,
			       "CONFIG_IMA_SECURE_AND_OR_TRUSTED_BOOT=y"))
		return false;
	return firmware_probe(reading->root, &firmware, NULL) == 0 &&
	       firmware.secure_boot;
}

/* Does it ask .platform for modules, as distributions' kernels do? */
static bool platform_is_asked(const struct reading *reading)
{
	const struct kernel_source *source = reading->source;

	return reading->platform &&
	       (source_config_has(source, "CONFIG_LOCK_DOWN_IN_EFI_SECURE_BOOT=y") ||
		source_config_has(source,
				  "# CONFIG_LOCK_DOWN_IN_EFI_SECURE_BOOT is not set"));
}

static void read_owners(const struct reading *reading, struct owners_keys *keys)
{
	const struct root *root = reading->root;

	if (!reading->owners_counts)
		return;
	if (root_exists(root, MOK_TABLE))
		read_variable(root, MOK_TABLE, 0, add_owners, keys);
	else
		read_variable(root, MOK_VARIABLE, ATTRIBUTES_SIZE, add_owners, keys);
}

/*
 * The machine owner's keys count where they are in .machine, or in a .platform that is
 * asked; the firmware's db is in .platform alone, unless the owner told shim not to use
 * it. What .machine does not take goes to .platform.
 */
static void read_trusted(struct reading *reading)
{
	const struct kernel_source *source = reading->source;
	struct certificates *ret = reading->ret->trusted;
	struct owners_keys keys = {
		.ret = ret,
		.some = source_config_has(source,
					  "CONFIG_INTEGRITY_CA_MACHINE_KEYRING=y"),
		.authorities = true,
		.plain_only =
			source_config_has(source,
					  "CONFIG_INTEGRITY_CA_MACHINE_KEYRING_MAX=y"),
	};
	bool machine = source_config_has(source, "CONFIG_INTEGRITY_MACHINE_KEYRING=y") &&
		       root_exists(reading->root, MOK_TRUSTED);

	if (machine)
		read_owners(reading, &keys);
	reading->ret->platform_from = ret->count;
	keys.some &= machine;
	keys.authorities = false;
	if (reading->asked && (!machine || keys.some))
		read_owners(reading, &keys);
	if (reading->asked && !root_exists(reading->root, IGNORE_DB))
		read_variable(reading->root, DB_VARIABLE, ATTRIBUTES_SIZE,
			      add_certificate, ret);
	reading->ret->platform_to = ret->count;
}

/*
 * Hashes of certificates (EFI_CERT_X509_SHA256) are left out: the kernel takes the time
 * behind such a hash along with it, and so never finds one again.
 */
static void read_revoked(struct reading *reading, const char *path)
{
	autofree char *data = NULL;
	size_t len = 0;

	if (root_read(reading->root, path, VARIABLE_MAX, &data, &len, NULL) < 0 ||
	    len < ATTRIBUTES_SIZE)
		return;
	/* Without this option the kernel keeps no certificates there. */
	if (source_config_has(reading->source, "CONFIG_SYSTEM_REVOCATION_LIST=y"))
		efi_signatures_each(EFI_SIGNATURE_X509, data + ATTRIBUTES_SIZE,
				    len - ATTRIBUTES_SIZE, add_certificate,
				    reading->ret->revoked);
	efi_signatures_each(EFI_SIGNATURE_SHA256, data + ATTRIBUTES_SIZE,
			    len - ATTRIBUTES_SIZE, add_hash, &reading->ret->hashes);
}

void firmware_keys_read(const struct root *root, const struct kernel_source *source,
			struct firmware_keys *ret)
{
	struct reading reading = {.root = root, .source = source, .ret = ret};

	*ret = (struct firmware_keys){
		.trusted = mem_zalloc(sizeof(*ret->trusted)),
		.revoked = mem_zalloc(sizeof(*ret->revoked)),
	};
	ret->revoked->complete = true;
	reading.platform =
		source_config_has(source, "CONFIG_INTEGRITY_PLATFORM_KEYRING=y");
	reading.asked = platform_is_asked(&reading);
	reading.owners_counts = owner_counts(&reading);
	read_trusted(&reading);
	if (!reading.platform) /* LOAD_UEFI_KEYS */
		return;
	read_revoked(&reading, DBX_VARIABLE);
	if (reading.owners_counts)
		read_revoked(&reading, MOKX_VARIABLE);
}

void firmware_keys_done(struct firmware_keys *keys)
{
	certificates_free(keys->trusted);
	certificates_free(keys->revoked);
	text_done(&keys->hashes);
}
