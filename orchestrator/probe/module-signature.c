/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The signature appended to a module: who made it, over which bytes. Nothing is verified
 * here (trusted-keys.c). Sources: kernel/module_signature.c, kernel/module/signing.c,
 * include/linux/module_signature.h, scripts/sign-file.c.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "crypto-library.h"
#include "module-parts.h"

#define TRAILER_SIZE 12 /* struct module_signature */
#define ID_PKCS7     2  /* PKEY_ID_PKCS7 */
#define TEXT_MAX     256

static const char marker[] = "~Module signature appended~\n";

/* struct module_signature: algo, hash, id_type, signer_len, key_id_len, 3 of padding, and
 * the length of the message, big endian. Other kinds than PKCS#7 are not understood by
 * kernels since 4.3: the message is then left unread. */
enum trailer { TRAILER_NONE, TRAILER_PKCS7, TRAILER_OTHER, TRAILER_BAD };

static enum trailer trailer_read(const void *data, size_t len,
				 struct module_signature *ret)
{
	size_t marker_len = sizeof(marker) - 1;
	const unsigned char *trailer;
	size_t length;

	ret->content = len;
	if (len <= marker_len ||
	    memcmp((const char *)data + len - marker_len, marker, marker_len) != 0)
		return TRAILER_NONE;
	ret->content = len -= marker_len; /* so does the kernel where the rest is wrong */
	if (len <= TRAILER_SIZE)
		return TRAILER_BAD;
	trailer = (const unsigned char *)data + len - TRAILER_SIZE;
	length = (size_t)trailer[8] << 24 | (size_t)trailer[9] << 16 |
		 (size_t)trailer[10] << 8 | trailer[11];
	if (length >= len - TRAILER_SIZE)
		return TRAILER_BAD;
	if (trailer[2] != ID_PKCS7)
		return TRAILER_OTHER;
	for (size_t i = 0; i < 8; i++)
		if (i != 2 && trailer[i] != 0)
			return TRAILER_BAD;
	ret->content = len - TRAILER_SIZE - length;
	ret->length = length;
	ret->message = (const char *)data + ret->content;
	return TRAILER_PKCS7;
}

size_t module_content_length(const void *data, size_t len)
{
	struct module_signature signature = {0};

	(void)trailer_read(data, len, &signature); /* content is set in any case */
	return signature.content;
}

static char *hexadecimal(const unsigned char *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *text = mem_zalloc(len * 2 + 1);

	for (size_t i = 0; i < len; i++) {
		text[i * 2] = digits[bytes[i] >> 4];
		text[i * 2 + 1] = digits[bytes[i] & 0xf];
	}
	return text;
}

static char *key_of(const ASN1_STRING *id)
{
	int len = sym_ASN1_STRING_length(id);

	if (len <= 0 || len > TEXT_MAX)
		return NULL;
	return hexadecimal(sym_ASN1_STRING_get0_data(id), (size_t)len);
}

static char *common_name(const X509_NAME *name)
{
	int i = sym_X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	const X509_NAME_ENTRY *entry = i < 0 ? NULL : sym_X509_NAME_get_entry(name, i);
	unsigned char *utf8 = NULL;
	int len = entry ? sym_ASN1_STRING_to_UTF8(&utf8,
						  sym_X509_NAME_ENTRY_get_data(entry))
			: -1;
	char *ret = NULL;

	if (len > 0) {
		autofree char *cut = str_ndup((const char *)utf8,
					      len > TEXT_MAX ? TEXT_MAX : (size_t)len);

		ret = str_printable(cut);
	}
	sym_CRYPTO_free(utf8, __FILE__, __LINE__);
	return ret;
}

static char *hash_name(CMS_SignerInfo *info)
{
	X509_ALGOR *digest = NULL;
	const ASN1_OBJECT *object = NULL;
	const char *name;
	char *ret;

	sym_CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, NULL);
	if (!digest)
		return NULL;
	sym_X509_ALGOR_get0(&object, NULL, NULL, digest);
	name = sym_OBJ_nid2sn(sym_OBJ_obj2nid(object));
	if (!name || sym_OBJ_obj2nid(object) == NID_undef)
		return NULL;
	ret = str_dup(name);
	for (char *p = ret; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return ret;
}

static void signer_read(CMS_SignerInfo *info, char *owned[3])
{
	ASN1_OCTET_STRING *identifier = NULL;
	ASN1_INTEGER *serial = NULL;
	X509_NAME *issuer = NULL;

	if (!sym_CMS_SignerInfo_get0_signer_id(info, &identifier, &issuer, &serial))
		return;
	if (issuer)
		owned[0] = common_name(issuer);
	if (identifier || serial)
		owned[1] = key_of(identifier ? identifier : serial);
	owned[2] = hash_name(info);
}

static bool message_read(const unsigned char *message, size_t len, char *owned[3])
{
	CMS_ContentInfo *cms = sym_d2i_CMS_ContentInfo(NULL, &message, (long)len);
	STACK_OF(CMS_SignerInfo) *infos = cms ? sym_CMS_get0_SignerInfos(cms) : NULL;
	bool sound = infos && signer_stack_num(infos) > 0;

	if (sound)
		signer_read(signer_stack_at(infos, 0), owned);
	sym_CMS_ContentInfo_free(cms);
	return sound;
}

void module_signature_read(const void *data, size_t len, struct module_signature *ret)
{
	enum trailer trailer = trailer_read(data, len, ret);

	ret->present = trailer != TRAILER_NONE;
	ret->malformed = trailer == TRAILER_BAD;
}

void module_signature_read_signer(struct module_signature *ret, char *owned[3])
{
	/* whoever judges it is told that it could not be read */
	if (ret->message && crypto_library_load(NULL) == 0)
		ret->malformed = !message_read(ret->message, ret->length, owned);
	ret->signer = owned[0];
	ret->key = owned[1];
	ret->hash = owned[2];
}
