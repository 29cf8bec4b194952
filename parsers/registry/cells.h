/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_REGISTRY_CELLS_H
#define AVOUCH_PARSERS_REGISTRY_CELLS_H

#include "parsers/registry/hive_state.h"
#include "parsers/registry/regf.h"

/*
 * Deleted keys and values. Deleting a key frees its cells (the size turns positive, neighbours are
 * joined) and leaves their bytes until a new cell takes the place. So every free cell, the slack
 * behind keys and values and the rest of the file behind the last bin are searched, eight bytes at
 * a time, for keys whose every field is possible. Lists and values of such a key count only where
 * they too stand in bytes that no allocated cell holds.
 */

/* One state of a hive's bytes and what its cells are. */
struct cell_map {
	struct span bytes;
	const struct hive_page *pages; /* as in struct hive_image */
	uint32_t root_cell;
	uint64_t bins_end; /* offset behind the last bin */
	/* A bit for each 8 bytes that no allocated cell holds; NULL: only sizes tell. */
	uint8_t *free_bits;
	/* Keys in allocated cells, sorted by parent and hash of the name. */
	struct live_entry *live;
	size_t n_live;
};

struct live_entry {
	uint32_t parent, hash, cell;
};

/* A key found in free bytes. */
struct recovered {
	uint64_t offset; /* of its cell (where the size stood) in the image */
	struct regf_key nk;
	enum recovery recovery;
	struct text path; /* once resolved */
	struct text name;
	uint32_t twin; /* the live key of the same path, or REGF_NO_CELL */
	bool path_sure, resolved, resolving, dropped;
	struct instant container_last_written;
	uint32_t container_cell;
	const struct hive_key *fixed; /* decoded already: a state along a log */
};

struct recovered_keys {
	struct cell_map map;
	struct recovered *keys; /* by offset */
	size_t n_keys, room;
	bool too_many; /* LIMIT_DELETED_KEYS was reached: the rest was not kept */
	/* The live parent whose path was last made: neighbours are often siblings. */
	uint32_t last_parent;
	struct text last_path;
	uint8_t *told; /* a bit for each 8 bytes: hive_container() gave the key there */
};

/* Finds the deleted keys of a hive: fills hive->recovered. */
MUST_USE enum status cells_recover(struct parse_context *ctx, struct hive *hive,
				   struct failure *why);
void cells_close(struct recovered_keys *recovered);
/* Visits those that fit. */
MUST_USE enum status cells_visit(struct parse_context *ctx, struct hive *hive,
				 const struct key_pattern *pattern, hive_visitor visit,
				 void *payload, bool *ret_any, struct failure *why);

/* Maps the cells of a state; what cannot be mapped is left allocated. Freed by cell_map_clear. */
MUST_USE enum status cell_map_init(struct cell_map *map, struct span bytes,
				   const struct hive_page *pages, struct failure *why);
void cell_map_clear(struct cell_map *map);
/* Whether no allocated cell holds any of the bytes. */
bool cell_map_is_free(const struct cell_map *map, uint64_t offset, uint64_t size);
/* The live key of that name below a parent cell; REGF_NO_CELL when there is none. */
uint32_t cell_map_find(const struct cell_map *map, struct arena *scratch, uint32_t parent,
		       struct text name);
/* The path of a live key by its cell, climbing to the root; data NULL when a link fails. */
struct text cell_map_path(const struct cell_map *map, struct arena *arena, uint32_t cell);
/* The key in an allocated cell; false when there is none. */
bool cell_map_key(const struct cell_map *map, uint32_t cell, struct regf_key *ret);

/* Adds a key to the list. */
MUST_USE enum status recovered_add(struct recovered_keys *all, const struct recovered *key,
				   struct failure *why);

/*
 * Adds the keys that the transaction logs deleted on their way, and those that stand in log entries
 * from before the hive was last written whole and are no longer in the hive.
 */
MUST_USE enum status log_states_recover(struct recovered_keys *all, struct hive *hive,
					struct failure *why);

/* Adds the values that live keys no longer hold but their lists still name. */
MUST_USE enum status cell_slack_recover(struct recovered_keys *all, struct arena *arena,
					struct failure *why);

/* One value by its cell; false when no value with its data stands there in such bytes. */
bool cell_value_read(const struct cell_map *map, struct arena *arena, uint32_t cell, bool free,
		     enum recovery recovery, struct hive_value *ret);

/* Whether a parent can ever have had that child, by the lengths of names and the times. */
enum kinship { KINSHIP_DENIED, KINSHIP_OPEN, KINSHIP_FITS };

enum kinship cell_kinship(const struct regf_key *parent, const struct regf_key *child);

/* Finds the paths of all recovered keys, and which live keys replaced them. */
MUST_USE enum status cell_paths_resolve(struct recovered_keys *recovered, struct arena *arena,
					struct failure *why);

/* Whether bytes at an offset can be a key (a value), every field considered. */
bool cell_is_possible_key(struct span bytes, uint64_t offset, uint64_t end, struct regf_key *ret);
bool cell_is_possible_value(struct span bytes, uint64_t offset, uint64_t end,
			    struct regf_value *ret);

/*
 * The values of a key of that state. Where free is set they and their data must stand in free
 * bytes, else in allocated cells. *ret_whole is cleared when any cannot be read.
 */
MUST_USE enum status cell_values_read(const struct cell_map *map, struct arena *arena,
				      const struct regf_key *nk, bool free, enum recovery recovery,
				      struct hive_key *ret, struct failure *why);

#endif
