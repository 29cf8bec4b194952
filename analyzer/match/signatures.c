/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/match/signatures.h"

#include <stdio.h>

#include "analyzer/match/lint.h"
#include "analyzer/match/product_check.h"
#include "analyzer/match/product_schema.h"

/* Memory of what is made beside the files' own data. */
enum { SET_ARENA = 64 << 20 };
/* Memory that one pattern may take while it is tried, bytes. */
enum { PATTERN_ARENA = 64 << 20 };

struct loaded_set {
	struct signature_set set; /* first: callers hold this */
	struct product *products;
	struct product_file **loaded;
	struct yaml_file *files;
	size_t n_files;
	struct arena *arena;
};

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
	CLEANUP(arena_free_p) struct arena *scratch = arena_new(PATTERN_ARENA);

	s->arena = arena_new(SET_ARENA);
	if (!s->arena || !scratch)
		return failure_set(why, ERR_NO_MEMORY, "signatures");
	enum status status = yaml_files_read_kind(folder, "products", &s->files, &s->n_files, why);

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
		const struct product_check check = {
			m, &s->files[i], &s->loaded[i]->product, s->arena, scratch, &ids, &codes
		};

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
		status = messages_failure(&m, why);
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
