/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of the machine and of users: SOFTWARE\Microsoft\SystemCertificates\<store>\
 * Certificates\<SHA-1>, EnterpriseCertificates and Policies likewise; value Blob is a row of
 * properties: id 4, unknown 4 (1), size 4, data; property 32 is the certificate (DER).
 * Source: learn.microsoft.com CertGetCertificateContextProperty (property ids); MS-GPEF 2.2.1.2.
 *
 * Times: only the certificate's own; notBefore of a root that a program made on this machine is
 * near its installation, but is not asserted as such.
 */
#include <openssl/x509.h>

#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/registry/registry_trace.h"

enum { SUBJECT, ISSUER, THUMBPRINT, STORE, NOT_BEFORE, NOT_AFTER, VIEW, USER, CERTIFICATE_N };

static const struct trace_field fields[] = {
	[SUBJECT] = FIELD_A("subject", CERTIFICATE, "Subject"),
	[ISSUER] = FIELD("issuer", TEXT, "Issuer"),
	[THUMBPRINT] = FIELD("thumbprint", TEXT, "SHA-1"),
	[STORE] = FIELD("store", TEXT, "Store"),
	[NOT_BEFORE] = FIELD("not_before", INSTANT, "Valid from"),
	[NOT_AFTER] = FIELD("not_after", INSTANT, "Valid to"),
	[VIEW] = FIELD("view", TEXT, "View"),
	[USER] = FIELD("user", TEXT, "User"),
	REGISTRY_FIELDS,
};

static const struct trace_type certificate_type = {
	.name = "windows.registry.certificate",
	.message = "Certificate of {subject} in the store {store}",
	.fields = fields,
};

enum { PROPERTY_CERTIFICATE = 32, NAME_MAX_SIZE = 8192 };

static void free_x509(X509 **certificate)
{
	X509_free(*certificate);
}

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

/* "CN=..., O=..." in UTF-8, as RFC 2253 orders it backwards: first component first. */
static struct value name_text(struct parse_context *ctx, const X509_NAME *name)
{
	CLEANUP(free_bio) BIO *bio = BIO_new(BIO_s_mem());
	const unsigned long flags = (XN_FLAG_ONELINE & ~(unsigned long)ASN1_STRFLGS_ESC_MSB &
				     ~(unsigned long)XN_FLAG_SPC_EQ);
	char *data;
	long size;

	if (!bio || X509_NAME_print_ex(bio, name, 0, flags) < 0)
		return (struct value){ .kind = VALUE_ABSENT };
	size = BIO_get_mem_data(bio, &data);
	if (size <= 0 || size > NAME_MAX_SIZE)
		return (struct value){ .kind = VALUE_ABSENT };
	return value_text(text_from_utf8(ctx->arena, span_of(data, (size_t)size), NULL));
}

static struct value time_value(const ASN1_TIME *time)
{
	struct tm tm;

	if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
		return (struct value){ .kind = VALUE_ABSENT };

	const struct instant instant =
		instant_from_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
				   tm.tm_min, tm.tm_sec, 0, TICKS_PER_SECOND, ZONE_UTC);
	return instant.state == INSTANT_SET ? value_instant(instant)
					    : (struct value){ .kind = VALUE_ABSENT };
}

static struct span find_certificate(struct span blob)
{
	struct cursor c = cursor_over(blob, 0);

	while (c.status >= 0 && cursor_left(&c)) {
		const uint32_t id = cursor_u32le(&c);
		uint32_t size;
		struct span data;

		cursor_skip(&c, 4);
		size = cursor_u32le(&c);
		data = cursor_take(&c, size);
		if (id == PROPERTY_CERTIFICATE && c.status >= 0)
			return data;
	}
	return (struct span){ NULL, 0 };
}

static void decode(struct parse_context *ctx, struct span der, struct value *values)
{
	const unsigned char *start = der.data;
	CLEANUP(free_x509) X509 *certificate = NULL;

	if (der.data && der.size <= LONG_MAX)
		certificate = d2i_X509(NULL, &start, (long)der.size);
	if (!certificate)
		return;
	values[SUBJECT] = name_text(ctx, X509_get_subject_name(certificate));
	values[ISSUER] = name_text(ctx, X509_get_issuer_name(certificate));
	values[NOT_BEFORE] = time_value(X509_get0_notBefore(certificate));
	values[NOT_AFTER] = time_value(X509_get0_notAfter(certificate));
}

static enum status read_key(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[CERTIFICATE_N + REGISTRY_TAIL] = { 0 };
	const struct hive_value *blob = key_value(key, "Blob");

	(void)payload;
	if (!blob || blob->type != REGISTRY_BINARY)
		return STATUS_OK;
	decode(ctx, find_certificate(blob->data), values);
	values[THUMBPRINT] = value_text(key->name);
	values[STORE] = value_text(path_component_back(key->path, 2));
	values[VIEW] = key_view(hive, key);
	values[USER] = hive_user(ctx, hive);
	return emit_key(ctx, hive, key, blob, &certificate_type, values, why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	static const char *const places[] = {
		"Microsoft\\SystemCertificates\\*\\Certificates\\*",
		"Microsoft\\EnterpriseCertificates\\*\\Certificates\\*",
		"Policies\\Microsoft\\SystemCertificates\\*\\Certificates\\*",
	};
	enum status status = STATUS_OK;

	for (size_t i = 0; status >= 0 && i < sizeof(places) / sizeof(*places); i++)
		status = visit_software(ctx, hive, places[i], read_key, NULL, why);
	return status;
}

const struct parser certificate_parser = {
	.name = "windows.registry.certificate",
	.title = "Certificates",
	.versions = "Windows 2000 to 11",
	.asserts = "The certificate stands in that store.",
	.paths = software_and_user_hives,
	.emits = (const struct trace_type *const[]){ &certificate_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
