/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * OpenSSL's libcrypto, loaded when the first thing is hashed or the first signature read:
 * see base/library.h. Its tables of pointers make it the dearest library of all to load.
 */
#pragma once

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/library.h"

#define CRYPTO_FUNCTIONS(X)              \
	X(ASN1_STRING_get0_data)         \
	X(ASN1_STRING_length)            \
	X(ASN1_STRING_to_UTF8)           \
	X(CMS_ContentInfo_free)          \
	X(CMS_SignerInfo_cert_cmp)       \
	X(CMS_SignerInfo_get0_algs)      \
	X(CMS_SignerInfo_get0_signature) \
	X(CMS_SignerInfo_get0_signer_id) \
	X(CMS_get0_SignerInfos)          \
	X(CMS_get0_content)              \
	X(CMS_get0_eContentType)         \
	X(CMS_get1_certs)                \
	X(CMS_signed_get_attr_count)     \
	X(CRYPTO_free)                   \
	X(ERR_clear_error)               \
	X(EVP_Digest)                    \
	X(EVP_DigestFinal_ex)            \
	X(EVP_DigestInit_ex)             \
	X(EVP_DigestUpdate)              \
	X(EVP_DigestVerify)              \
	X(EVP_DigestVerifyInit)          \
	X(EVP_MD_CTX_free)               \
	X(EVP_MD_CTX_new)                \
	X(EVP_get_digestbyname)          \
	X(EVP_sha256)                    \
	X(OBJ_nid2sn)                    \
	X(OBJ_obj2nid)                   \
	X(OPENSSL_sk_num)                \
	X(OPENSSL_sk_pop_free)           \
	X(OPENSSL_sk_value)              \
	X(X509_ALGOR_get0)               \
	X(X509_NAME_ENTRY_get_data)      \
	X(X509_NAME_get_entry)           \
	X(X509_NAME_get_index_by_NID)    \
	X(X509_check_issued)             \
	X(X509_cmp)                      \
	X(X509_free)                     \
	X(X509_get0_pubkey)              \
	X(X509_get_extension_flags)      \
	X(X509_get_key_usage)            \
	X(X509_verify)                   \
	X(d2i_CMS_ContentInfo)           \
	X(d2i_X509)

CRYPTO_FUNCTIONS(LIBRARY_DECLARE)

/* Before any of them is called. May be repeated, by any thread. -ENOTSUP: it is not
 * installed, or is not the one kuro was built for. */
int crypto_library_load(struct error *err);

/* OpenSSL's own macros for its stacks call what was not loaded. */
int signer_stack_num(const STACK_OF(CMS_SignerInfo) * signers);
CMS_SignerInfo *signer_stack_at(const STACK_OF(CMS_SignerInfo) * signers, int i);
int x509_stack_num(const STACK_OF(X509) * certificates);
X509 *x509_stack_at(const STACK_OF(X509) * certificates, int i);
void x509_stack_free(STACK_OF(X509) * certificates);
