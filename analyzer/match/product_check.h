/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_MATCH_PRODUCT_CHECK_H
#define AVOUCH_ANALYZER_MATCH_PRODUCT_CHECK_H

#include "analyzer/match/name_map.h"
#include "analyzer/match/yaml_file.h"

/* What is checked of one product file; names seen so far tell duplicates. */
struct product_check {
	struct messages *messages;
	const struct yaml_file *file;
	const struct product *product;
	struct arena *arena;
	struct arena *scratch; /* of one pattern at a time: its cap is what a pattern may take */
	struct name_map *ids, *codes;
};

/* Complains about what is wrong with the product; adds its id and codes to those seen. */
void check_product(const struct product_check *c);

#endif
