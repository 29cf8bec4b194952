/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in a product file, and the words for it. */
#include "analyzer/match/product_schema.h"

#include "analyzer/match/yaml_schema.h"

enum { MAX_TEXT = 4096 };

#define CONDITION(name, aspect) OPTIONAL_STRING(name, struct alternative, conditions[aspect])

static const cyaml_schema_field_t alternative_fields[] = {
	CONDITION("program", ASPECT_PROGRAM),
	CONDITION("publisher", ASPECT_PUBLISHER),
	CONDITION("product-code", ASPECT_PRODUCT_CODE),
	CONDITION("upgrade-code", ASPECT_UPGRADE_CODE),
	CONDITION("version", ASPECT_VERSION),
	CONDITION("path", ASPECT_PATH),
	CONDITION("executable", ASPECT_EXECUTABLE),
	CONDITION("service", ASPECT_SERVICE),
	CONDITION("service-name", ASPECT_SERVICE_NAME),
	CONDITION("driver", ASPECT_DRIVER),
	CONDITION("key", ASPECT_KEY),
	CONDITION("channel", ASPECT_CHANNEL),
	CONDITION("provider", ASPECT_PROVIDER),
	CONDITION("task", ASPECT_TASK),
	CONDITION("certificate", ASPECT_CERTIFICATE),
	CONDITION("package", ASPECT_PACKAGE),
	CONDITION("file-product", ASPECT_FILE_PRODUCT),
	CONDITION("file-company", ASPECT_FILE_COMPANY),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t alternative_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct alternative, alternative_fields),
};

static const cyaml_strval_t roles[] = {
	{ "protection", ROLE_PROTECTION }, { "registration", ROLE_REGISTRATION },
	{ "loads", ROLE_LOADS },           { "key", ROLE_KEY },
	{ "program", ROLE_PROGRAM },       { "data", ROLE_DATA },
	{ "activity", ROLE_ACTIVITY },     { "installer", ROLE_INSTALLER },
	{ "remover", ROLE_REMOVER },       { "companion", ROLE_COMPANION },
};

static const cyaml_schema_field_t component_fields[] = {
	STRING("id", struct component, id),
	WORD("role", CYAML_FLAG_DEFAULT, struct component, role, roles),
	CYAML_FIELD_BOOL("shared", CYAML_FLAG_OPTIONAL, struct component, shared),
	WORD("confidence", CYAML_FLAG_DEFAULT, struct component, confidence, yaml_confidences),
	LIST("source", CYAML_FLAG_DEFAULT, struct component, sources, n_sources, &yaml_string),
	LIST("match", CYAML_FLAG_DEFAULT, struct component, alternatives, n_alternatives,
	     &alternative_schema),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t component_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct component, component_fields),
};

static const cyaml_strval_t meanings[] = {
	{ "installed-at", FACT_INSTALLED_AT },
	{ "last-start", FACT_LAST_START },
	{ "last-update", FACT_LAST_UPDATE },
	{ "alive-at", FACT_ALIVE_AT },
	{ "accepted-at", FACT_ACCEPTED_AT },
	{ "product-code", FACT_PRODUCT_CODE },
	{ "version", FACT_VERSION },
	{ "product-name", FACT_PRODUCT_NAME },
	{ "install-folder", FACT_INSTALL_FOLDER },
};

static const cyaml_strval_t encodings[] = {
	{ "text", ENCODING_TEXT },         { "unix", ENCODING_UNIX },
	{ "filetime", ENCODING_FILETIME }, { "auto", ENCODING_AUTO },
	{ "text-dmy", ENCODING_TEXT_DMY },
};

static const cyaml_schema_field_t fact_fields[] = {
	STRING("key", struct fact, key),
	STRING("value", struct fact, value),
	WORD("is", CYAML_FLAG_DEFAULT, struct fact, is, meanings),
	WORD("encoding", CYAML_FLAG_DEFAULT, struct fact, encoding, encodings),
	WORD("confidence", CYAML_FLAG_DEFAULT, struct fact, confidence, yaml_confidences),
	LIST("source", CYAML_FLAG_DEFAULT, struct fact, sources, n_sources, &yaml_string),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t fact_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct fact, fact_fields),
};

static const cyaml_schema_field_t code_fields[] = {
	STRING("code", struct installer_code, code),
	OPTIONAL_STRING("packed", struct installer_code, packed),
	OPTIONAL_STRING("version", struct installer_code, version),
	WORD("confidence", CYAML_FLAG_DEFAULT, struct installer_code, confidence, yaml_confidences),
	LIST("source", CYAML_FLAG_DEFAULT, struct installer_code, sources, n_sources, &yaml_string),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t code_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct installer_code, code_fields),
};

static const cyaml_strval_t distributions[] = {
	{ "branded", DISTRIBUTION_BRANDED },
	{ "embedded", DISTRIBUTION_EMBEDDED },
	{ "unknown", DISTRIBUTION_UNKNOWN },
};

static const cyaml_strval_t platforms[] = {
	{ "windows", PLATFORM_WINDOWS },
	{ "linux", PLATFORM_LINUX },
	{ "macos", PLATFORM_MACOS },
};

static const cyaml_schema_value_t platform_schema = {
	CYAML_VALUE_ENUM(CYAML_FLAG_STRICT, int, platforms, CYAML_ARRAY_LEN(platforms)),
};

static const cyaml_schema_field_t product_fields[] = {
	STRING("schema", struct product_file, schema),
	STRING("id", struct product_file, product.id),
	STRING("vendor", struct product_file, product.vendor),
	STRING("vendor_name", struct product_file, product.vendor_name),
	STRING("name", struct product_file, product.name),
	WORD("kind", CYAML_FLAG_DEFAULT, struct product_file, product.kind, yaml_kinds),
	WORD("distribution", CYAML_FLAG_DEFAULT, struct product_file, product.distribution,
	     distributions),
	CYAML_FIELD_BOOL("fallback", CYAML_FLAG_OPTIONAL, struct product_file, product.fallback),
	LIST("platforms", CYAML_FLAG_DEFAULT, struct product_file, platforms, n_platforms,
	     &platform_schema),
	LIST("sources", CYAML_FLAG_DEFAULT, struct product_file, product.sources, product.n_sources,
	     &yaml_citation),
	LIST("components", CYAML_FLAG_DEFAULT, struct product_file, product.components,
	     product.n_components, &component_schema),
	LIST("facts", CYAML_FLAG_OPTIONAL, struct product_file, product.facts, product.n_facts,
	     &fact_schema),
	LIST("product_codes", CYAML_FLAG_OPTIONAL, struct product_file, product.product_codes,
	     product.n_product_codes, &code_schema),
	LIST("upgrade_codes", CYAML_FLAG_OPTIONAL, struct product_file, product.upgrade_codes,
	     product.n_upgrade_codes, &code_schema),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t product_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct product_file, product_fields),
};

const char *product_kind_name(enum product_kind kind)
{
	return yaml_word(yaml_kinds, CYAML_ARRAY_LEN(yaml_kinds), kind);
}

const char *distribution_name(enum distribution distribution)
{
	return yaml_word(distributions, CYAML_ARRAY_LEN(distributions), distribution);
}

const char *confidence_name(enum confidence confidence)
{
	return yaml_word(yaml_confidences, CYAML_ARRAY_LEN(yaml_confidences), confidence);
}

const char *role_name(enum role role)
{
	return yaml_word(roles, CYAML_ARRAY_LEN(roles), role);
}

const char *fact_meaning_name(enum fact_meaning meaning)
{
	return yaml_word(meanings, CYAML_ARRAY_LEN(meanings), meaning);
}

const char *fact_encoding_name(enum fact_encoding encoding)
{
	return yaml_word(encodings, CYAML_ARRAY_LEN(encodings), encoding);
}
