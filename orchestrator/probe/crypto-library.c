/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The functions of libcrypto that are used.
 */
#include "crypto-library.h"

#include "base/cleanup.h"

#define TEXT_OF_NUMBER(number) #number
#define TEXT_OF(macro)         TEXT_OF_NUMBER(macro)

CRYPTO_FUNCTIONS(LIBRARY_DEFINE)

int crypto_library_load(struct error *err)
{
	static const struct library_function functions[] = {
		CRYPTO_FUNCTIONS(LIBRARY_FUNCTION)};
	static struct library library = {
		.file = "libcrypto.so." TEXT_OF(OPENSSL_SHLIB_VERSION),
		.functions = functions,
		.count = ARRAY_LEN(functions),
	};
	int r = library_load(&library, err);

	return r < 0 ? error_prefix(err, r, "nothing can be hashed without OpenSSL") : 0;
}

int signer_stack_num(const STACK_OF(CMS_SignerInfo) * signers)
{
	return sym_OPENSSL_sk_num((const OPENSSL_STACK *)signers);
}

CMS_SignerInfo *signer_stack_at(const STACK_OF(CMS_SignerInfo) * signers, int i)
{
	return sym_OPENSSL_sk_value((const OPENSSL_STACK *)signers, i);
}

int x509_stack_num(const STACK_OF(X509) * certificates)
{
	return sym_OPENSSL_sk_num((const OPENSSL_STACK *)certificates);
}

X509 *x509_stack_at(const STACK_OF(X509) * certificates, int i)
{
	return sym_OPENSSL_sk_value((const OPENSSL_STACK *)certificates, i);
}

static void x509_free(void *certificate)
{
	sym_X509_free(certificate);
}

void x509_stack_free(STACK_OF(X509) * certificates)
{
	sym_OPENSSL_sk_pop_free((OPENSSL_STACK *)certificates, x509_free);
}
