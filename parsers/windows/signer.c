/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/windows/signer.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include "parsers/base/text.h"

/* The certificate that belongs to the first signature; NULL when it is not among those given. */
static X509 *first_signer(PKCS7 *signature)
{
	STACK_OF(PKCS7_SIGNER_INFO) *signers = PKCS7_get_signer_info(signature);
	const PKCS7_SIGNER_INFO *signer =
		sk_PKCS7_SIGNER_INFO_num(signers) > 0 ? sk_PKCS7_SIGNER_INFO_value(signers, 0) : NULL;
	const PKCS7_ISSUER_AND_SERIAL *id = signer ? signer->issuer_and_serial : NULL;

	if (!id || !PKCS7_type_is_signed(signature) || !signature->d.sign)
		return NULL;
	return X509_find_by_issuer_and_serial(signature->d.sign->cert, id->issuer, id->serial);
}

static struct text name_entry(struct arena *arena, const X509_NAME *name, int nid)
{
	const int index = X509_NAME_get_index_by_NID(name, nid, -1);
	unsigned char *utf8 = NULL;
	int size = -1;
	struct text text = { NULL, 0 };

	if (index >= 0)
		size = ASN1_STRING_to_UTF8(
			&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)));
	if (size > 0)
		text = text_from_utf8(arena, span_of(utf8, (size_t)size), NULL);
	OPENSSL_free(utf8);
	return text;
}

struct text signer_name(struct arena *arena, struct span pkcs7)
{
	const unsigned char *at = pkcs7.data;
	PKCS7 *signature = pkcs7.size <= LONG_MAX && pkcs7.size ?
				   d2i_PKCS7(NULL, &at, (long)pkcs7.size) :
				   NULL;
	X509 *certificate = signature ? first_signer(signature) : NULL;
	struct text name = { NULL, 0 };

	if (certificate) {
		name = name_entry(arena, X509_get_subject_name(certificate), NID_commonName);
		if (!name.data)
			name = name_entry(arena, X509_get_subject_name(certificate),
					  NID_organizationName);
	}
	PKCS7_free(signature);
	ERR_clear_error();
	return name;
}
