/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_REGISTRY_REGF_H
#define AVOUCH_PARSERS_REGISTRY_REGF_H

#include "parsers/base/text.h"

/*
 * The cells of a hive file as bytes: what recovery needs of the format, where no library reads.
 * Source: M. Suhanov, "Windows registry file format specification" (github.com/msuhanov/regf);
 * J. Metz, "Windows NT Registry File (REGF) format" (libyal/libregf documentation).
 *
 *   base block (file header), 4096 bytes        hive bins, from 4096
 *   0    4  "regf"                              0   4  "hbin"
 *   4    4  primary sequence number             4   4  offset of the bin from 4096
 *   8    4  secondary sequence number           8   4  size, a multiple of 4096
 *   12   8  last written (FILETIME)             20  8  time (first bin only)
 *   20   4  major, 24 4 minor version           32     cells
 *   28   4  file type (0 primary; 1, 2, 6 log)
 *   36   4  offset of the root cell             cell: int32 size (negative: allocated),
 *   40   4  size of all hive bins               a multiple of 8 that counts the size itself,
 *   508  4  XOR of the 127 words before         then the data. Offsets count from 4096.
 *
 *   nk: 0 "nk", 2 flags, 4 last written, 16 parent, 20 number of sub keys, 28 list of sub keys,
 *       36 number of values, 40 list of values, 44 security, 48 class name, 72 name size,
 *       52 longest name of a sub key (low 16 bits), 74 class name size, 76 name
 *   vk: 0 "vk", 2 name size, 4 data size (bit 31: data stands in the offset), 8 data offset,
 *       12 type, 16 flags, 20 name
 */
#define REGF_BINS_OFFSET 4096
#define REGF_BIN_HEADER  32
#define REGF_PAGE        512
#define REGF_NO_CELL     UINT32_MAX

struct regf_header {
	uint32_t primary_sequence, secondary_sequence;
	uint64_t last_written; /* FILETIME */
	uint32_t major, minor;
	uint32_t file_type;
	uint32_t root_cell;
	uint32_t bins_size;
	uint32_t checksum;
	bool checksum_right;
};

/* Reads a base block (at least 512 bytes); false when it is too short or has no "regf". */
bool regf_read_header(struct span bytes, struct regf_header *ret);
/* The XOR-32 checksum of the first 508 bytes (there must be as many). */
uint32_t regf_checksum(struct span bytes);

struct regf_cell {
	uint64_t offset; /* of the size field, in the file */
	uint32_t size;   /* with the size field */
	bool allocated;
	struct span data; /* behind the size field */
};

/* The cell at a relative offset; false when it does not lie whole in the file. */
bool regf_cell_at(struct span hive, uint32_t relative, struct regf_cell *ret);

/*
 * The sub keys' cells of a list (lf, lh, li: 2 number of elements, 4 elements of 8, 8, 4 bytes;
 * ri: of such lists), at most room of them. Returns their number, SIZE_MAX for a broken list.
 */
size_t regf_read_subkeys(struct span hive, uint32_t list, uint32_t *ret, size_t room);

enum {
	REGF_KEY_ROOT = 0x0004,
	REGF_KEY_ASCII_NAME = 0x0020,
	REGF_KEY_HANDLE = 0x0040,
	REGF_KEY_SIZE = 76, /* without the name */
	REGF_VALUE_ASCII_NAME = 0x0001,
	REGF_VALUE_SIZE = 20, /* without the name */
};

struct regf_key {
	uint16_t flags;
	uint64_t last_written; /* FILETIME */
	uint32_t parent;
	uint32_t n_subkeys, subkeys_list;
	uint32_t n_values, values_list;
	uint32_t security, class_name;
	uint16_t class_size;
	uint16_t longest_subkey_name; /* bytes of UTF-16; grows only, but 0 without sub keys */
	struct span name;
};

/* Reads an nk from cell data; false when it is none or its name does not fit. */
bool regf_read_key(struct span data, struct regf_key *ret);

struct regf_value {
	uint32_t data_size; /* bytes, without the flag */
	bool resident;      /* up to 4 bytes in the vk itself */
	uint32_t data_offset;
	uint32_t type;
	uint16_t flags;
	struct span name;
	struct span resident_data;
};

/* Reads a vk from cell data; false when it is none or its name does not fit. */
bool regf_read_value(struct span data, struct regf_value *ret);

/* A key's or a value's name as UTF-8; data NULL when the arena is full. */
struct text regf_key_name(struct arena *arena, const struct regf_key *key);
struct text regf_value_name(struct arena *arena, const struct regf_value *value);

/*
 * Writes over a base block (512 bytes) what a finished write would have left: both sequence numbers
 * equal, file type 0, the size of all bins, the checksum.
 */
void regf_finish_header(uint8_t *bytes, const struct regf_header *header);

#endif
