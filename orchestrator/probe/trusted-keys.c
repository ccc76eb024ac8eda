/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keys that a kernel trusts for modules, and what it would say of a module's
 * signature: certs/system_keyring.c, crypto/asymmetric_keys/pkcs7_verify.c and
 * pkcs7_trust.c, security/integrity/platform_certs/load_uefi.c, certs/blacklist.c.
 * Nothing is trusted that
 * the kernel would not: a key that was made and not enrolled is unknown.
 */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/release.h"
#include "efi-signatures.h"
#include "probe/firmware.h"
#include "probe/kernel-abi.h"
#include "probe/kernel-image.h"
#include "probe/module-file.h"

#define EFI_DIR          "/sys/firmware/efi"
#define EFIVARS_DIR      EFI_DIR "/efivars"
#define MOK_TABLE        EFI_DIR "/mok-variables/MokListRT"
#define MOK_VARIABLE     EFIVARS_DIR "/MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23"
#define DB_VARIABLE      EFIVARS_DIR "/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f"
#define DBX_VARIABLE     EFIVARS_DIR "/dbx-d719b2cb-3d3a-4596-a3bc-dad00e67656f"
#define MOKX_VARIABLE    EFIVARS_DIR "/MokListXRT-605dab50-e046-4300-abb6-3dd810dd8b23"
#define VARIABLE_MAX     ((size_t)1024 * 1024)
#define ATTRIBUTES_SIZE  4 /* before the content of a file in efivarfs */
#define CERTIFICATES_MAX 1024
#define CHAIN_MAX        8
#define NOTE             "certificates"
#define HASH_SIZE        32
/* certs/system_keyring.c asks the list for every key, no longer for .platform's alone */
#define REVOCATION_FOR_ALL "6.6"
/* What kernels say that look for a module's own hash (Debian's, SUSE's). */
#define HASH_REFUSAL "Module hash %*phN is blacklisted"

struct certificates {
	X509 *items[CERTIFICATES_MAX];
	size_t count;
	bool complete; /* the image was asked */
};

struct trusted_keys {
	const struct root *root;
	const struct kernel_source *source;
	struct certificates *certificates; /* grows when a signature asks for the image */
	size_t platform_from, platform_to; /* of certificates: those in .platform alone */
	bool platform;
	struct certificates *revoked; /* .blacklist */
	struct text hashes;           /* likewise, HASH_SIZE bytes each */
};

static void add_certificate(void *data, const void *der, size_t len)
{
	struct certificates *ret = data;
	const unsigned char *p = der;
	X509 *certificate;

	if (ret->count == CERTIFICATES_MAX || len > VARIABLE_MAX)
		return;
	certificate = d2i_X509(NULL, &p, (long)len);
	if (certificate)
		ret->items[ret->count++] = certificate;
}

static int add_image_certificate(void *data, const void *der, size_t len)
{
	add_certificate(data, der, len);
	return 0;
}

static void certificates_done(struct certificates *certificates)
{
	for (size_t i = 0; i < certificates->count; i++)
		X509_free(certificates->items[i]);
}

static void add_hash(void *data, const void *hash, size_t len)
{
	if (len == HASH_SIZE)
		text_append_n(data, hash, len);
}

static void add_variable(const struct root *root, const char *path, size_t skip,
			 struct certificates *ret)
{
	autofree char *data = NULL;
	size_t len = 0;

	/* Absent without UEFI, or root's alone: then none of its keys is known. */
	if (root_read(root, path, VARIABLE_MAX, &data, &len, NULL) < 0 || len < skip)
		return;
	efi_signatures_each(EFI_SIGNATURE_X509, data + skip, len - skip, add_certificate,
			    ret);
}

/* Is CONFIG_NAME=y among the lines? Without a configuration it is taken to be. */
static bool config_has(const struct kernel_source *source, const char *line)
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

/*
 * The machine owner's keys count where they are in .machine, or in .platform, which
 * distributions' kernels ask too; the firmware's db is in .platform alone.
 */
static void add_firmware_keys(struct trusted_keys *keys)
{
	const struct root *root = keys->root;
	struct certificates *ret = keys->certificates;
	bool machine = config_has(keys->source, "CONFIG_INTEGRITY_MACHINE_KEYRING=y");

	keys->platform = config_has(keys->source, "CONFIG_INTEGRITY_PLATFORM_KEYRING=y");
	if (keys->platform || machine) {
		if (root_exists(root, MOK_TABLE))
			add_variable(root, MOK_TABLE, 0, ret);
		else
			add_variable(root, MOK_VARIABLE, ATTRIBUTES_SIZE, ret);
	}
	keys->platform_from = machine ? ret->count : 0;
	if (keys->platform)
		add_variable(root, DB_VARIABLE, ATTRIBUTES_SIZE, ret);
	keys->platform_to = ret->count;
}

static void add_revoked(struct trusted_keys *keys, const char *path)
{
	autofree char *data = NULL;
	size_t len = 0;

	if (root_read(keys->root, path, VARIABLE_MAX, &data, &len, NULL) < 0 ||
	    len < ATTRIBUTES_SIZE)
		return;
	/* Without this option the kernel keeps no certificates there. */
	if (config_has(keys->source, "CONFIG_SYSTEM_REVOCATION_LIST=y"))
		efi_signatures_each(EFI_SIGNATURE_X509, data + ATTRIBUTES_SIZE,
				    len - ATTRIBUTES_SIZE, add_certificate,
				    keys->revoked);
	efi_signatures_each(EFI_SIGNATURE_SHA256, data + ATTRIBUTES_SIZE,
			    len - ATTRIBUTES_SIZE, add_hash, &keys->hashes);
}

/*
 * load_uefi_certs puts dbx and, under Secure Boot alone, shim's list into .blacklist.
 * Hashes of certificates (EFI_CERT_X509_SHA256) are left out: the kernel takes the time
 * behind such a hash along with it, and so never finds one again.
 */
static void add_revocations(struct trusted_keys *keys)
{
	struct firmware firmware = {0};

	if (!keys->platform) /* LOAD_UEFI_KEYS */
		return;
	add_revoked(keys, DBX_VARIABLE);
	if (firmware_probe(keys->root, &firmware, NULL) == 0 && firmware.secure_boot)
		add_revoked(keys, MOKX_VARIABLE);
}

int trusted_keys_probe(const struct root *root, const struct kernel_source *source,
		       struct trusted_keys **ret, struct error *err)
{
	struct trusted_keys *keys = mem_zalloc(sizeof(*keys));

	(void)err; /* what can't be read holds no key that is known */
	keys->root = root;
	keys->source = source;
	keys->certificates = mem_zalloc(sizeof(*keys->certificates));
	keys->revoked = mem_zalloc(sizeof(*keys->revoked));
	keys->revoked->complete = true;
	add_firmware_keys(keys);
	add_revocations(keys);
	ERR_clear_error();
	*ret = keys;
	return 0;
}

void trusted_keys_free(struct trusted_keys *keys)
{
	if (!keys)
		return;
	certificates_done(keys->certificates);
	free(keys->certificates);
	certificates_done(keys->revoked);
	free(keys->revoked);
	text_done(&keys->hashes);
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
	struct certificates *ret = keys->certificates;
	size_t len = 0;
	const unsigned char *p = symbol_table_noted(table, NOTE, &len);
	const unsigned char *end = p ? p + len : NULL;

	if (!p || ret->complete)
		return;
	while (p < end && ret->count < CERTIFICATES_MAX) {
		X509 *certificate = d2i_X509(NULL, &p, end - p);

		if (!certificate)
			break;
		ret->items[ret->count++] = certificate;
	}
	ret->complete = true;
	ERR_clear_error();
}

/* Only where no key of the firmware made a signature: an image takes a while to open. */
static void ask_image(const struct trusted_keys *keys)
{
	autoimage struct kernel_image image = {0};
	const struct kernel_source *source = keys->source;
	const void *data;
	size_t len;

	keys->certificates->complete = true;
	if (source->file(source->data, "image", &data, &len, NULL) < 0 ||
	    kernel_image_open(source->release, data, len, &image, NULL) < 0)
		return; /* whoever asked for its symbols was told why */
	(void)kernel_image_certificates(&image, add_image_certificate, keys->certificates,
					NULL); /* likewise */
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

	CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, NULL);
	if (!digest)
		return NULL;
	X509_ALGOR_get0(&object, NULL, NULL, digest);
	return EVP_get_digestbyobj(object);
}

/* Did this key sign the content? A kind of key that can't be used is an unknown one. */
static enum signature_trust verify(CMS_SignerInfo *info, X509 *certificate,
				   struct content *content)
{
	const EVP_MD *digest = digest_of(info);
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	const ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(info);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	enum signature_trust ret = SIGNATURE_UNKNOWN_KEY;
	int len = ASN1_STRING_length(signature);
	const void *bytes = content_bytes(content);

	if (!bytes)
		ret = SIGNATURE_BAD;
	else if (digest && key && context && len > 0 &&
		 EVP_DigestVerifyInit(context, NULL, digest, NULL, key) == 1)
		ret = EVP_DigestVerify(context, ASN1_STRING_get0_data(signature),
				       (size_t)len, bytes,
				       content->file->signature.content) == 1
			      ? SIGNATURE_TRUSTED
			      : SIGNATURE_BAD;
	EVP_MD_CTX_free(context);
	return ret;
}

static X509 *named_by(CMS_SignerInfo *info, STACK_OF(X509) * certificates)
{
	for (int i = 0; i < sk_X509_num(certificates); i++)
		if (CMS_SignerInfo_cert_cmp(info, sk_X509_value(certificates, i)) == 0)
			return sk_X509_value(certificates, i);
	return NULL;
}

/* Is one of the trusted certificates this one, or has one of them signed it? */
static bool vouched_for(const struct certificates *trusted, X509 *certificate)
{
	for (size_t i = 0; i < trusted->count; i++) {
		X509 *key = trusted->items[i];

		if (X509_cmp(key, certificate) == 0)
			return true;
		if (X509_check_issued(key, certificate) == X509_V_OK &&
		    X509_verify(certificate, X509_get0_pubkey(key)) == 1)
			return true;
	}
	return false;
}

static X509 *issuer_of(X509 *certificate, STACK_OF(X509) * certificates)
{
	for (int i = 0; i < sk_X509_num(certificates); i++) {
		X509 *issuer = sk_X509_value(certificates, i);

		if (issuer != certificate &&
		    X509_check_issued(issuer, certificate) == X509_V_OK &&
		    X509_verify(certificate, X509_get0_pubkey(issuer)) == 1)
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
		if (CMS_SignerInfo_cert_cmp(info, trusted->items[i]) == 0)
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
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
	ASN1_OCTET_STRING **content = CMS_get0_content(cms);

	if (sk_CMS_SignerInfo_num(infos) < 1 || (content && *content) ||
	    OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data)
		return true;
	for (int i = 0; i < sk_CMS_SignerInfo_num(infos); i++)
		if (CMS_signed_get_attr_count(sk_CMS_SignerInfo_value(infos, i)) > 0)
			return true;
	return false;
}

/* pkcs7_validate_trust: one bad signer condemns, one trusted is enough. */
static enum signature_trust judge_message(const struct trusted_keys *keys,
					  const struct certificates *trusted,
					  CMS_ContentInfo *cms, struct content *content)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
	STACK_OF(X509) *certificates = CMS_get1_certs(cms);
	enum signature_trust ret = SIGNATURE_UNKNOWN_KEY;

	for (int i = 0; i < sk_CMS_SignerInfo_num(infos) && ret != SIGNATURE_BAD; i++) {
		enum signature_trust trust =
			judge_signer(keys, trusted, sk_CMS_SignerInfo_value(infos, i),
				     certificates, content);

		if (trust != SIGNATURE_UNKNOWN_KEY)
			ret = trust;
	}
	sk_X509_pop_free(certificates, X509_free);
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

	if (keys->revoked->count == 0 ||
	    judge_message(keys, keys->revoked, cms, content) != SIGNATURE_TRUSTED)
		return false;
	if (!release || release_compare(release, REVOCATION_FOR_ALL) >= 0)
		return true;
	if (!keys->certificates->complete)
		ask_image(keys);
	own = mem_zalloc(sizeof(*own));
	own->complete = true;
	for (size_t i = 0; i < keys->certificates->count; i++)
		if (i < keys->platform_from || i >= keys->platform_to)
			own->items[own->count++] = keys->certificates->items[i];
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
	const void *bytes = keys->hashes.len > 0 ? content_bytes(content) : NULL;
	unsigned char hash[HASH_SIZE];

	if (!bytes ||
	    EVP_Digest(bytes, content->file->size, hash, NULL, EVP_sha256(), NULL) != 1)
		return false;
	for (size_t at = 0; at < keys->hashes.len; at += HASH_SIZE)
		if (memcmp(keys->hashes.data + at, hash, HASH_SIZE) == 0)
			return kernel_refuses_hashes(keys->source);
	return false;
}

static enum signature_trust judge_content(const struct trusted_keys *keys,
					  CMS_ContentInfo *cms, struct content *content)
{
	enum signature_trust trust;

	if (key_is_revoked(keys, cms, content))
		return SIGNATURE_REVOKED_KEY;
	trust = judge_message(keys, keys->certificates, cms, content);
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
	cms = d2i_CMS_ContentInfo(NULL, &message, (long)signature->length);
	if (cms && !is_refused(cms))
		ret = judge_content(keys, cms, &content);
	CMS_ContentInfo_free(cms);
	module_file_done(&content.again);
	ERR_clear_error();
	return ret;
}
