/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Firmware kind and the few variables that booting depends on: through efivar on the
 * machine that runs, out of ROOT/sys/firmware/efi/efivars (a saved or made-up tree)
 * otherwise. Reads only.
 * Sources: UEFI 2.10, 3.3 "Globally defined variables"; shim's MokVars.txt; kernel
 * Documentation/filesystems/efivarfs.rst (a file is 4 bytes of attributes, then data).
 */
#include "probe/firmware.h"

#include <efivar/efivar.h>
#include <string.h>

#include "base/cleanup.h"

#define EFI_DIR          "/sys/firmware/efi"
#define EFI_ATTRIBUTES   4
#define EFI_VARIABLE_MAX 1024
#define SHIM_GUID \
	EFI_GUID(0x605dab50, 0xe046, 0x4300, 0xabb6, 0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23)

/* Read the variable's first want bytes of data; false where it is absent or shorter. */
static bool variable_live(efi_guid_t guid, const char *name, uint8_t *ret, size_t want)
{
	autofree uint8_t *data = NULL;
	size_t size = 0;
	uint32_t attributes;

	if (efi_get_variable(guid, name, &data, &size, &attributes) < 0) {
		efi_error_clear();
		return false;
	}
	if (size < want)
		return false;
	memcpy(ret, data, want);
	return true;
}

static bool variable_file(const struct root *root, efi_guid_t guid, const char *name,
			  uint8_t *ret, size_t want)
{
	autofree char *guid_text = NULL, *path = NULL, *data = NULL;
	size_t size = 0;

	if (efi_guid_to_str(&guid, &guid_text) < 0)
		return false;
	path = str_format(EFI_DIR "/efivars/%s-%s", name, guid_text);
	if (root_read(root, path, EFI_VARIABLE_MAX, &data, &size, NULL) < 0 ||
	    size < EFI_ATTRIBUTES + want)
		return false;
	memcpy(ret, data + EFI_ATTRIBUTES, want);
	return true;
}

static bool variable_read(const struct root *root, efi_guid_t guid, const char *name,
			  uint8_t *ret, size_t want)
{
	if (!root_is_live(root))
		return variable_file(root, guid, name, ret, want);
	return efi_variables_supported() && variable_live(guid, name, ret, want);
}

int firmware_probe(const struct root *root, struct firmware *ret, struct error *err)
{
	struct firmware found = {.boot_current = -1};
	uint8_t on = 0, off = 0, current[2];

	(void)err; /* what can't be read is unknown, not an error */
	found.efi = root_exists(root, EFI_DIR);
	if (found.efi) {
		found.secure_boot_known =
			variable_read(root, EFI_GLOBAL_GUID, "SecureBoot", &on, 1);
		/* A person may have told shim to check no more; absent means it does. */
		(void)variable_read(root, SHIM_GUID, "MokSBStateRT", &off, 1);
		found.secure_boot = on == 1 && off != 1;
		if (variable_read(root, EFI_GLOBAL_GUID, "BootCurrent", current, 2))
			found.boot_current = current[0] | current[1] << 8;
	}
	*ret = found;
	return 0;
}
