/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_MATCH_PRODUCT_SCHEMA_H
#define AVOUCH_ANALYZER_MATCH_PRODUCT_SCHEMA_H

#include "analyzer/match/yaml_file.h"

/* A product file as it is written: the product and what is only used while loading. */
struct product_file {
	const char *schema;
	struct product product;
	int *platforms;
	unsigned n_platforms;
};

/* What a product file may hold: to struct product_file. */
extern const cyaml_schema_value_t product_schema;

#endif
