/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/match/signatures.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/stat.h>

#include "analyzer/match/lint.h"
#include "analyzer/match/mandates.h"
#include "analyzer/match/name_map.h"
#include "analyzer/match/name_table.h"
#include "analyzer/match/pattern.h"
#include "analyzer/match/yaml_file.h"

/* A product file as it is written: the product and what is only used while loading. */
struct product_file {
	const char *schema;
	struct product product;
	int *platforms;
	unsigned n_platforms;
};

#define STRING(key, type, member)                                                                  \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, 4096)
#define OPTIONAL_STRING(key, type, member)                                                         \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER_NULL | CYAML_FLAG_OPTIONAL, type, member,   \
			       1, 4096)
#define LIST(key, flags, type, member, count, entry)                                               \
	CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER | (flags), type, member, count, entry,  \
				   0, CYAML_UNLIMITED)
#define WORD(key, flags, type, member, words)                                                      \
	CYAML_FIELD_ENUM(key, CYAML_FLAG_STRICT | (flags), type, member, words,                    \
			 CYAML_ARRAY_LEN(words))

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

static const cyaml_schema_value_t product_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct product_file, product_fields),
};

/* Memory of what is made beside the files' own data. */
enum { SET_ARENA = 64 << 20 };

struct loaded_set {
	struct signature_set set; /* first: callers hold this */
	struct product *products;
	struct product_file **loaded;
	struct yaml_file *files;
	size_t n_files;
	struct arena *arena;
};

static const char *word(const cyaml_strval_t *words, size_t n, int64_t value)
{
	for (size_t i = 0; i < n; i++)
		if (words[i].val == value)
			return words[i].str;
	return "unknown";
}

const char *product_kind_name(enum product_kind kind)
{
	return word(yaml_kinds, CYAML_ARRAY_LEN(yaml_kinds), kind);
}

const char *distribution_name(enum distribution distribution)
{
	return word(distributions, CYAML_ARRAY_LEN(distributions), distribution);
}

const char *confidence_name(enum confidence confidence)
{
	return word(yaml_confidences, CYAML_ARRAY_LEN(yaml_confidences), confidence);
}

const char *role_name(enum role role)
{
	return word(roles, CYAML_ARRAY_LEN(roles), role);
}

const char *fact_meaning_name(enum fact_meaning meaning)
{
	return word(meanings, CYAML_ARRAY_LEN(meanings), meaning);
}

const char *fact_encoding_name(enum fact_encoding encoding)
{
	return word(encodings, CYAML_ARRAY_LEN(encodings), encoding);
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

/*
 * Where the 32 digits of a GUID without braces and dashes stand in its packed form: the first three
 * groups reversed, the last sixteen digits swapped pairwise (Windows Installer key names).
 */
static const uint8_t packed_order[32] = { 7,  6,  5,  4,  3,  2,  1,  0,  11, 10, 9,
					  8,  15, 14, 13, 12, 17, 16, 19, 18, 21, 20,
					  23, 22, 25, 24, 27, 26, 29, 28, 31, 30 };

bool installer_code_pack(struct text code, char packed[33])
{
	char digits[32];
	size_t n = 0;

	if (code.size != 38 || code.data[0] != '{' || code.data[37] != '}')
		return false;
	for (size_t i = 1; i < 37; i++) {
		const bool dash = i == 9 || i == 14 || i == 19 || i == 24;

		if (dash ? code.data[i] != '-' : !is_hex(code.data[i]))
			return false;
		if (!dash)
			digits[n++] = (char)toupper((unsigned char)code.data[i]);
	}
	for (size_t i = 0; i < 32; i++)
		packed[i] = digits[packed_order[i]];
	packed[32] = 0;
	return true;
}

bool installer_code_unpack(struct text packed, char code[39])
{
	char digits[32];

	if (packed.size != 32)
		return false;
	for (size_t i = 0; i < 32; i++) {
		if (!is_hex(packed.data[i]))
			return false;
		digits[packed_order[i]] = (char)toupper((unsigned char)packed.data[i]);
	}
	snprintf(code, 39, "{%.8s-%.4s-%.4s-%.4s-%.12s}", digits, digits + 8, digits + 12,
		 digits + 16, digits + 20);
	return true;
}

/* What is checked of one product file; names seen so far tell duplicates. */
struct product_check {
	struct messages *messages;
	const struct yaml_file *file;
	const struct product *product;
	struct arena *arena;
	struct name_map *ids, *codes;
};

static void check_sources(const struct product_check *c, const char *where, const char **tags,
			  unsigned n)
{
	if (n == 0)
		complain(c->messages, c->file, where, "no source is given");
	for (unsigned i = 0; i < n; i++)
		if (!citation_known(c->product->sources, c->product->n_sources, tags[i]))
			complain(c->messages, c->file, where, "unknown source '%s'", tags[i]);
}

void lint_pattern(struct messages *m, const struct yaml_file *file, const char *where,
		  enum aspect aspect, const char *written)
{
	CLEANUP(arena_free_p) struct arena *arena = arena_new(SET_ARENA);
	struct name_table *table = name_table_new();
	struct pattern_list list = { 0 };
	struct failure why = FAILURE_NONE;
	enum status status = arena && table ? pattern_expand(arena, aspect, written, &list, &why)
					    : failure_set(&why, ERR_NO_MEMORY, "no memory");

	for (size_t i = 0; status == STATUS_OK && !pattern_has_components(aspect) && i < list.n;
	     i++)
		status = name_table_add(table, arena, list.items[i], 0, &why);
	if (status < 0)
		complain(m, file, where, "pattern '%s': %s", written, why.text);
	name_table_free(table);
}

/* Conditions that say who made a program, not which it is. */
static bool is_weak(const struct alternative *a)
{
	for (int i = 1; i < ASPECT_COUNT; i++)
		if (a->conditions[i] && a->conditions[i][0] != '!' && i != ASPECT_EXECUTABLE &&
		    i != ASPECT_PUBLISHER && i != ASPECT_VERSION && i != ASPECT_FILE_COMPANY)
			return false;
	return true;
}

static void check_alternative(const struct product_check *c, unsigned component, unsigned number)
{
	const struct component *owner = &c->product->components[component];
	const struct alternative *a = &owner->alternatives[number];
	char where[120];
	bool positive = false;

	snprintf(where, sizeof(where), "components[%u]/match[%u]", component, number);
	for (int i = 1; i < ASPECT_COUNT; i++) {
		if (!a->conditions[i])
			continue;
		char place[200];

		snprintf(place, sizeof(place), "%s/%s", where, aspect_name((enum aspect)i));
		lint_pattern(c->messages, c->file, place, (enum aspect)i, a->conditions[i]);
		positive |= a->conditions[i][0] != '!';
	}
	if (!positive)
		complain(c->messages, c->file, where, "needs a condition that is not negated");
	else if (is_weak(a) && owner->role <= ROLE_LOADS)
		complain(
			c->messages, c->file, where,
			"a bare program name, publisher or version identifies no component of role "
			"%s",
			role_name(owner->role));
}

static void check_component(const struct product_check *c, unsigned number)
{
	const struct component *component = &c->product->components[number];
	char where[80];

	snprintf(where, sizeof(where), "components[%u]", number);
	if (!id_is_well_formed(component->id))
		complain(c->messages, c->file, where, "malformed id '%s'", component->id);
	for (unsigned i = 0; i < number; i++)
		if (strcmp(c->product->components[i].id, component->id) == 0)
			complain(c->messages, c->file, where, "duplicate id '%s'", component->id);
	check_sources(c, where, component->sources, component->n_sources);
	if (component->n_alternatives == 0)
		complain(c->messages, c->file, where, "matches nothing");
	for (unsigned i = 0; i < component->n_alternatives; i++)
		check_alternative(c, number, i);
}

static void check_codes(const struct product_check *c, const char *list,
			const struct installer_code *codes, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char where[80], packed[33];

		snprintf(where, sizeof(where), "%s[%u]", list, i);
		check_sources(c, where, codes[i].sources, codes[i].n_sources);
		if (!installer_code_pack(text_of(codes[i].code), packed)) {
			complain(c->messages, c->file, where, "malformed code '%s'", codes[i].code);
			continue;
		}
		if (codes[i].packed && strcmp(codes[i].packed, packed) != 0)
			complain(c->messages, c->file, where, "%s is packed as %s, not %s",
				 codes[i].code, packed, codes[i].packed);
		const struct text name = { arena_text(c->arena, text_of(packed)), 32 };

		if (name_map_find(c->codes, name) != MAP_NONE)
			complain(c->messages, c->file, where, "duplicate code '%s'", codes[i].code);
		else if (!name.data || !name_map_add(c->codes, name, 0))
			complain(c->messages, c->file, where, "no memory");
	}
}

static bool file_is_named(const struct yaml_file *file, const char *id)
{
	const char *slash = strrchr(file->name, '/');
	const char *name = slash ? slash + 1 : file->name;

	return strncmp(name, id, strlen(id)) == 0 && strcmp(name + strlen(id), ".yaml") == 0;
}

static void check_product(const struct product_check *c)
{
	const struct product *p = c->product;

	if (!id_is_well_formed(p->id))
		complain(c->messages, c->file, "id", "malformed id '%s'", p->id);
	else if (!file_is_named(c->file, p->id))
		complain(c->messages, c->file, "id", "the file is not named %s.yaml", p->id);
	if (!id_is_well_formed(p->vendor))
		complain(c->messages, c->file, "vendor", "malformed key '%s'", p->vendor);
	if (name_map_find(c->ids, text_of(p->id)) != MAP_NONE)
		complain(c->messages, c->file, "id", "duplicate id '%s'", p->id);
	else if (!name_map_add(c->ids, text_of(p->id), 0))
		complain(c->messages, c->file, "id", "no memory");
	if (p->n_components == 0)
		complain(c->messages, c->file, "components", "there is none");
	for (unsigned i = 0; i < p->n_components; i++)
		check_component(c, i);
	for (unsigned i = 0; i < p->n_facts; i++) {
		char where[80];

		snprintf(where, sizeof(where), "facts[%u]", i);
		check_sources(c, where, p->facts[i].sources, p->facts[i].n_sources);
		lint_pattern(c->messages, c->file, where, ASPECT_KEY, p->facts[i].key);
	}
	check_codes(c, "product_codes", p->product_codes, p->n_product_codes);
	check_codes(c, "upgrade_codes", p->upgrade_codes, p->n_upgrade_codes);
}

void signature_set_free(struct signature_set *set)
{
	struct loaded_set *loaded = (struct loaded_set *)set;

	if (!loaded)
		return;
	for (size_t i = 0; loaded->loaded && i < loaded->n_files; i++)
		yaml_file_unload(&product_schema, loaded->loaded[i]);
	free(loaded->loaded);
	free(loaded->products);
	yaml_files_free(loaded->files, loaded->n_files);
	arena_free(loaded->arena);
	free(loaded);
}

static bool code_component(struct loaded_set *s, struct component *ret, const char *id,
			   enum role role, bool shared, enum aspect aspect,
			   const struct installer_code *codes, unsigned n)
{
	struct alternative *alternatives = arena_array(s->arena, n, sizeof(*alternatives));

	if (!alternatives)
		return false;
	*ret = (struct component){ .id = id,
				   .role = role,
				   .shared = shared,
				   .confidence = CONFIDENCE_HIGH,
				   .alternatives = alternatives,
				   .n_alternatives = n };
	for (unsigned i = 0; i < n; i++) {
		alternatives[i].conditions[aspect] = codes[i].code;
		if (codes[i].confidence < ret->confidence)
			ret->confidence = codes[i].confidence;
	}
	ret->sources = codes[0].sources;
	ret->n_sources = codes[0].n_sources;
	return true;
}

/* The product with its components from the file and those made from its codes. */
static bool take_product(struct loaded_set *s, size_t file, struct product *ret)
{
	struct product *p = ret;

	*p = s->loaded[file]->product;
	p->file = s->files[file].path;
	for (unsigned i = 0; i < s->loaded[file]->n_platforms; i++)
		p->platforms |= (unsigned)s->loaded[file]->platforms[i];
	struct component *components =
		arena_array(s->arena, p->n_components + 2, sizeof(*components));

	if (!components)
		return false;
	memcpy(components, p->components, p->n_components * sizeof(*components));
	p->components = components;
	if (p->n_product_codes &&
	    !code_component(s, &components[p->n_components++], "product-code", ROLE_REGISTRATION,
			    false, ASPECT_PRODUCT_CODE, p->product_codes, p->n_product_codes))
		return false;
	return !p->n_upgrade_codes ||
	       code_component(s, &components[p->n_components++], "upgrade-code", ROLE_COMPANION,
			      true, ASPECT_UPGRADE_CODE, p->upgrade_codes, p->n_upgrade_codes);
}

static int compare_products(const void *a, const void *b)
{
	return strcmp(((const struct product *)a)->id, ((const struct product *)b)->id);
}

static enum status hash_wanted(struct loaded_set *s, struct failure *why)
{
	CLEANUP(free_p) char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return failure_set(why, ERR_NO_MEMORY, "signatures");
	for (size_t i = 0; i < s->set.n_products; i++) {
		const struct product *p = &s->products[i];

		for (unsigned c = 0; c < p->n_components; c++)
			for (unsigned a = 0; a < p->components[c].n_alternatives; a++) {
				const char *const *conditions =
					p->components[c].alternatives[a].conditions;

				if (conditions[ASPECT_PATH])
					fprintf(stream, "path %s\n", conditions[ASPECT_PATH]);
				if (conditions[ASPECT_KEY])
					fprintf(stream, "key %s\n", conditions[ASPECT_KEY]);
			}
		for (unsigned f = 0; f < p->n_facts; f++)
			fprintf(stream, "fact %s %s\n", p->facts[f].key, p->facts[f].value);
	}
	fclose(stream);
	return sha256_hex(span_of(text, size), s->set.wanted_sha256, why);
}

/* All files read and checked; messages say what is wrong with them. */
static enum status load_all(const char *folder, struct messages *m, struct loaded_set *s,
			    struct failure *why)
{
	struct name_map ids = { 0 }, codes = { 0 };
	char below[4096];
	struct stat info;

	if (snprintf(below, sizeof(below), "%s/products", folder) >= (int)sizeof(below) ||
	    stat(below, &info) != 0 || !S_ISDIR(info.st_mode))
		snprintf(below, sizeof(below), "%s", folder);
	s->arena = arena_new(SET_ARENA);
	if (!s->arena)
		return failure_set(why, ERR_NO_MEMORY, "signatures");
	enum status status = yaml_files_read(below, &s->files, &s->n_files, why);

	if (status < 0)
		return status;
	s->loaded = calloc(s->n_files, sizeof(struct product_file *));
	s->products = calloc(s->n_files, sizeof(*s->products));
	if (!s->loaded || !s->products)
		return failure_set(why, ERR_NO_MEMORY, "signatures");
	for (size_t i = 0; i < s->n_files; i++) {
		s->loaded[i] = yaml_file_load(&s->files[i], &product_schema, m);
		if (!s->loaded[i])
			continue;
		if (strcmp(s->loaded[i]->schema, "avouch.product/1") != 0)
			complain(m, &s->files[i], "schema", "is not avouch.product/1");
		const struct product_check check = { m,        &s->files[i], &s->loaded[i]->product,
						     s->arena, &ids,         &codes };

		check_product(&check);
		if (!take_product(s, i, &s->products[s->set.n_products++]))
			status = failure_set(why, ERR_NO_MEMORY, "signatures");
	}
	name_map_clear(&ids);
	name_map_clear(&codes);
	if (status < 0)
		return status;
	qsort(s->products, s->set.n_products, sizeof(*s->products), compare_products);
	s->set.products = s->products;
	status = yaml_files_hash(s->files, s->n_files, s->set.sha256, why);
	return status < 0 ? status : hash_wanted(s, why);
}

enum status lint_failure(const struct messages *m, struct failure *why)
{
	const int first = (int)strcspn(m->text, "\n");

	if (m->n == 0)
		return STATUS_OK;
	if (m->n == 1)
		return failure_set(why, ERR_FORMAT, "%.*s", first, m->text);
	return failure_set(why, ERR_FORMAT, "%.*s (and %zu more)", first, m->text, m->n - 1);
}

enum status signature_set_load_lenient(const char *folder, struct messages *m,
				       struct signature_set **ret, struct failure *why)
{
	struct loaded_set *s = calloc(1, sizeof(*s));

	if (!s)
		return failure_set(why, ERR_NO_MEMORY, "signatures");
	const enum status status = load_all(folder, m, s, why);

	if (status < 0)
		signature_set_free(&s->set);
	else
		*ret = &s->set;
	return status;
}

enum status signature_set_load(const char *folder, struct signature_set **ret, struct failure *why)
{
	CLEANUP(signature_set_free_p) struct signature_set *set = NULL;
	struct messages m;
	enum status status = messages_open(&m, why);

	if (status < 0)
		return status;
	status = signature_set_load_lenient(folder, &m, &set, why);
	messages_close(&m);
	if (status == STATUS_OK)
		status = lint_failure(&m, why);
	free(m.text);
	if (status < 0)
		return status;
	*ret = set;
	set = NULL;
	return STATUS_OK;
}

size_t signature_find_product(const struct signature_set *set, const char *id)
{
	size_t low = 0, high = set->n_products;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = strcmp(set->products[middle].id, id);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return SIGNATURE_NONE;
}

enum status signature_read_source(const struct product *product, struct arena *arena,
				  struct text *ret, struct failure *why)
{
	struct yaml_file *files = NULL;
	size_t n = 0;
	enum status status = yaml_files_read(product->file, &files, &n, why);

	if (status < 0)
		return status;
	const struct text text = { files[0].bytes, files[0].size };
	char *copy = arena_text(arena, text);

	yaml_files_free(files, n);
	if (!copy)
		return failure_set(why, ERR_NO_MEMORY, "%s", product->file);
	*ret = text_of(copy);
	return STATUS_OK;
}

bool signature_hit_counts(const struct signature_set *set, size_t product, size_t component,
			  const bool *identified)
{
	const struct product *p = &set->products[product];

	if (!p->fallback)
		return !p->components[component].shared || identified[product];
	for (size_t i = 0; i < set->n_products; i++)
		if (identified[i] && i != product && !set->products[i].fallback &&
		    strcmp(set->products[i].vendor, p->vendor) == 0)
			return false;
	return true;
}
