/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a kernel would say of a module's signature, with the keys built into its image and
 * those of the firmware (firmware-keys.h): certs/system_keyring.c, certs/blacklist.c,
 * crypto/asymmetric_keys/pkcs7_verify.c and pkcs7_trust.c. Nothing is trusted that the
 * kernel would not: a key that was made and not enrolled is unknown.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "crypto-library.h"
#include "firmware-keys.h"
#include "probe/kernel-abi.h"
#include "probe/kernel-image.h"
#include "probe/module-file.h"

#define CHAIN_MAX 8
#define NOTE      "certificates"
/* certs/system_keyring.c asks the list for every key, no longer for .platform's alone */
#define REVOCATION_FOR_ALL "6.6"
/* What kernels say that look for a module's own hash (Debian's, SUSE's). */
#define HASH_REFUSAL "Module hash %*phN is blacklisted"

struct trusted_keys {
	const struct root *root;
	const struct kernel_source *source;
	struct firmware_keys firmware; /* and, as signatures ask for them, the image's */
};

static int add_image_certificate(void *data, const void *der, size_t len)
{
	certificates_add(data, der, len);
	return 0;
}

int trusted_keys_probe(const struct root *root, const struct kernel_source *source,
		       struct trusted_keys **ret, struct error *err)
{
	struct trusted_keys *keys;
	int r = crypto_library_load(err);

	if (r < 0)
		return r;
	keys = mem_zalloc(sizeof(*keys));
	keys->root = root;
	keys->source = source;
	/* what can't be read holds no key that is known */
	firmware_keys_read(root, source, &keys->firmware);
	sym_ERR_clear_error();
	*ret = keys;
	return 0;
}

void trusted_keys_free(struct trusted_keys *keys)
{
	if (!keys)
		return;
	firmware_keys_done(&keys->firmware);
	free(keys);
}

static int note_certificate(void *data, const void *der, size_t len)
{
	text_append_n(data, der, len);
	return 0;
}

int trusted_keys_note(const struct kernel_image *image, struct symbol_table *table,
		      struct error *err)
{
	autotext struct text all = {0};
	int r = kernel_image_certificates(image, note_certificate, &all, err);

	if (r < 0)
		return r;
	r = symbol_table_note(table, NOTE, text_str(&all), all.len);
	return r < 0 ? error_set(err, r, "its certificates have %zu bytes", all.len) : 0;
}

/* Certificates one behind the other; each begins with its own length. */
void trusted_keys_use_noted(struct trusted_keys *keys, const struct symbol_table *table)
{
	struct certificates *ret = keys->firmware.trusted;
	size_t len = 0;
	const unsigned char *p = symbol_table_noted(table, NOTE, &len);
	const unsigned char *end = p ? p + len : NULL;

	if (!p || ret->complete)
		return;
	while (p < end && ret->count < CERTIFICATES_MAX) {
		X509 *certificate = sym_d2i_X509(NULL, &p, end - p);

		if (!certificate)
			break;
		ret->items[ret->count++] = certificate;
	}
	ret->complete = true;
	sym_ERR_clear_error();
}

/* Only where no key of the firmware made a signature: an image takes a while to open. */
static void ask_image(const struct trusted_keys *keys)
{
	autoimage struct kernel_image image = {0};
	const struct kernel_source *source = keys->source;
	const void *data;
	size_t len;

	keys->firmware.trusted->complete = true;
	if (source->file(source->data, "image", &data, &len, NULL) < 0 ||
	    kernel_image_open(source->release, data, len, &image, NULL) < 0)
		return; /* whoever asked for its symbols was told why */
	(void)kernel_image_certificates(&image, add_image_certificate,
					keys->firmware.trusted, NULL); /* likewise */
}

/* What was signed. A file that let its bytes go is opened again for them, where a key is
 * there to check them with. */
struct content {
	const struct root *root;
	const struct module_file *file;
	struct module_file again;
};

/* NULL: it is not what was read before. */
static const void *content_bytes(struct content *content)
{
	const struct module_file *file = content->file;

	if (file->bytes)
		return file->bytes;
	if (!content->again.path &&
	    module_file_read(content->root, file->path, &content->again, NULL) < 0)
		return NULL;
	return content->again.signature.content == file->signature.content
		       ? content->again.bytes
		       : NULL;
}

static const EVP_MD *digest_of(CMS_SignerInfo *info)
{
	X509_ALGOR *digest = NULL;
	const ASN1_OBJECT *object = NULL;

	sym_CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, NULL);
	if (!digest)
		return NULL;
	sym_X509_ALGOR_get0(&object, NULL, NULL, digest);
	return sym_EVP_get_digestbyname(sym_OBJ_nid2sn(sym_OBJ_obj2nid(object)));
}

/* Did this key sign the content? A kind of key that can't be used is an unknown one. */
static enum signature_trust verify(CMS_SignerInfo *info, X509 *certificate,
				   struct content *content)
{
	const EVP_MD *digest = digest_of(info);
	EVP_PKEY *key = sym_X509_get0_pubkey(certificate);
	const ASN1_OCTET_STRING *signature = sym_CMS_SignerInfo_get0_signature(info);
	EVP_MD_CTX *context = sym_EVP_MD_CTX_new();
	enum signature_trust ret = SIGNATURE_UNKNOWN_KEY;
	int len = sym_ASN1_STRING_length(signature);
	const void *bytes = content_bytes(content);

	if (!bytes)
		ret = SIGNATURE_BAD;
	else if (digest && key && context && len > 0 &&
		 sym_EVP_DigestVerifyInit(context, NULL, digest, NULL, key) == 1)
		ret = sym_EVP_DigestVerify(context, sym_ASN1_STRING_get0_data(signature),
					   (size_t)len, bytes,
					   content->file->signature.content) == 1
			      ? SIGNATURE_TRUSTED
			      : SIGNATURE_BAD;
	sym_EVP_MD_CTX_free(context);
	return ret;
}

static X509 *named_by(CMS_SignerInfo *info, STACK_OF(X509) * certificates)
{
	for (int i = 0; i < x509_stack_num(certificates); i++)
		if (sym_CMS_SignerInfo_cert_cmp(info, x509_stack_at(certificates, i)) ==
		    0)
			return x509_stack_at(certificates, i);
	return NULL;
}

/* Is one of the trusted certificates this one, or has one of them signed it? */
static bool vouched_for(const struct certificates *trusted, X509 *certificate)
{
	for (size_t i = 0; i < trusted->count; i++) {
		X509 *key = trusted->items[i];

		if (sym_X509_cmp(key, certificate) == 0)
			return true;
		if (sym_X509_check_issued(key, certificate) == X509_V_OK &&
		    sym_X509_verify(certificate, sym_X509_get0_pubkey(key)) == 1)
			return true;
	}
	return false;
}

static X509 *issuer_of(X509 *certificate, STACK_OF(X509) * certificates)
{
	for (int i = 0; i < x509_stack_num(certificates); i++) {
		X509 *issuer = x509_stack_at(certificates, i);

		if (issuer != certificate &&
		    sym_X509_check_issued(issuer, certificate) == X509_V_OK &&
		    sym_X509_verify(certificate, sym_X509_get0_pubkey(issuer)) == 1)
			return issuer;
	}
	return NULL;
}

/* Certificates that came with the message lead to a trusted one, or do not. */
static bool chain_is_trusted(const struct certificates *trusted, X509 *certificate,
			     STACK_OF(X509) * certificates)
{
	for (int i = 0; certificate && i < CHAIN_MAX; i++) {
		if (vouched_for(trusted, certificate))
			return true;
		certificate = issuer_of(certificate, certificates);
	}
	return false;
}

static enum signature_trust judge_by(const struct certificates *trusted,
				     CMS_SignerInfo *info, struct content *content)
{
	for (size_t i = 0; i < trusted->count; i++)
		if (sym_CMS_SignerInfo_cert_cmp(info, trusted->items[i]) == 0)
			return verify(info, trusted->items[i], content);
	return SIGNATURE_UNKNOWN_KEY;
}

/* pkcs7_verify's order: what the message brings along must hold, known or not. */
static enum signature_trust judge_signer(const struct trusted_keys *keys,
					 const struct certificates *trusted,
					 CMS_SignerInfo *info,
					 STACK_OF(X509) * certificates,
					 struct content *content)
{
	X509 *brought = named_by(info, certificates);
	enum signature_trust trust;

	if (brought) {
		trust = verify(info, brought, content);
		if (trust != SIGNATURE_TRUSTED)
			return trust;
	}
	trust = judge_by(trusted, info, content);
	if (trust == SIGNATURE_UNKNOWN_KEY && !trusted->complete) {
		ask_image(keys);
		trust = judge_by(trusted, info, content);
	}
	if (trust == SIGNATURE_UNKNOWN_KEY && brought &&
	    chain_is_trusted(trusted, brought, certificates))
		return SIGNATURE_TRUSTED;
	return trust;
}

/* Refused whoever made it: other than detached data, or with signed attributes. */
static bool is_refused(CMS_ContentInfo *cms)
{
	STACK_OF(CMS_SignerInfo) *infos = sym_CMS_get0_SignerInfos(cms);
	ASN1_OCTET_STRING **content = sym_CMS_get0_content(cms);

	if (signer_stack_num(infos) < 1 || (content && *content) ||
	    sym_OBJ_obj2nid(sym_CMS_get0_eContentType(cms)) != NID_pkcs7_data)
		return true;
	for (int i = 0; i < signer_stack_num(infos); i++)
		if (sym_CMS_signed_get_attr_count(signer_stack_at(infos, i)) > 0)
			return true;
	return false;
}

/* pkcs7_validate_trust: one bad signer condemns, one trusted is enough. */
static enum signature_trust judge_message(const struct trusted_keys *keys,
					  const struct certificates *trusted,
					  CMS_ContentInfo *cms, struct content *content)
{
	STACK_OF(CMS_SignerInfo) *infos = sym_CMS_get0_SignerInfos(cms);
	STACK_OF(X509) *certificates = sym_CMS_get1_certs(cms);
	enum signature_trust ret = SIGNATURE_UNKNOWN_KEY;

	for (int i = 0; i < signer_stack_num(infos) && ret != SIGNATURE_BAD; i++) {
		enum signature_trust trust =
			judge_signer(keys, trusted, signer_stack_at(infos, i),
				     certificates, content);

		if (trust != SIGNATURE_UNKNOWN_KEY)
			ret = trust;
	}
	x509_stack_free(certificates);
	return ret;
}

/*
 * is_key_on_revocation_list; before 6.6 asked only when none of the keys that are not
 * .platform's made the signature.
 */
static bool key_is_revoked(const struct trusted_keys *keys, CMS_ContentInfo *cms,
			   struct content *content)
{
	const char *release = keys->source->release;
	struct certificates *own;
	bool unknown;

	if (keys->firmware.revoked->count == 0 ||
	    judge_message(keys, keys->firmware.revoked, cms, content) !=
		    SIGNATURE_TRUSTED)
		return false;
	if (!release || release_compare(release, REVOCATION_FOR_ALL) >= 0)
		return true;
	if (!keys->firmware.trusted->complete)
		ask_image(keys);
	own = mem_zalloc(sizeof(*own));
	own->complete = true;
	for (size_t i = 0; i < keys->firmware.trusted->count; i++)
		if (i < keys->firmware.platform_from || i >= keys->firmware.platform_to)
			own->items[own->count++] = keys->firmware.trusted->items[i];
	unknown = judge_message(keys, own, cms, content) == SIGNATURE_UNKNOWN_KEY;
	free(own);
	return unknown;
}

/* Is it a kernel that looks for modules' hashes? Only asked where one is on the list. */
static bool kernel_refuses_hashes(const struct kernel_source *source)
{
	autoimage struct kernel_image image = {0};
	const void *data;
	size_t len;

	return source->file(source->data, "image", &data, &len, NULL) == 0 &&
	       kernel_image_open(source->release, data, len, &image, NULL) == 0 &&
	       memmem(image.data, image.len, HASH_REFUSAL, strlen(HASH_REFUSAL));
}

/* mod_is_hash_blacklisted: the whole file, its signature included. */
static bool file_is_revoked(const struct trusted_keys *keys, struct content *content)
{
	const void *bytes = keys->firmware.hashes.len > 0 ? content_bytes(content) : NULL;
	unsigned char hash[REVOKED_HASH];

	if (!bytes || sym_EVP_Digest(bytes, content->file->size, hash, NULL,
				     sym_EVP_sha256(), NULL) != 1)
		return false;
	for (size_t at = 0; at < keys->firmware.hashes.len; at += REVOKED_HASH)
		if (memcmp(keys->firmware.hashes.data + at, hash, REVOKED_HASH) == 0)
			return kernel_refuses_hashes(keys->source);
	return false;
}

static enum signature_trust judge_content(const struct trusted_keys *keys,
					  CMS_ContentInfo *cms, struct content *content)
{
	enum signature_trust trust;

	if (key_is_revoked(keys, cms, content))
		return SIGNATURE_REVOKED_KEY;
	trust = judge_message(keys, keys->firmware.trusted, cms, content);
	return trust == SIGNATURE_TRUSTED && file_is_revoked(keys, content)
		       ? SIGNATURE_REVOKED_FILE
		       : trust;
}

enum signature_trust trusted_keys_judge(const struct trusted_keys *keys,
					const struct module_file *file)
{
	const struct module_signature *signature = &file->signature;
	struct content content = {.root = keys->root, .file = file};
	enum signature_trust ret = SIGNATURE_BAD;
	const unsigned char *message;
	CMS_ContentInfo *cms;

	if (!signature->present)
		return SIGNATURE_NONE;
	if (signature->malformed)
		return SIGNATURE_BAD;
	if (signature->length == 0) /* no PKCS#7: unsupported, and so not a known key's */
		return SIGNATURE_UNKNOWN_KEY;
	message = signature->message;
	cms = sym_d2i_CMS_ContentInfo(NULL, &message, (long)signature->length);
	if (cms && !is_refused(cms))
		ret = judge_content(keys, cms, &content);
	sym_CMS_ContentInfo_free(cms);
	module_file_done(&content.again);
	sym_ERR_clear_error();
	return ret;
}
