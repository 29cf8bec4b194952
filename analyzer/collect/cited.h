/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COLLECT_CITED_H
#define AVOUCH_ANALYZER_COLLECT_CITED_H

#include "analyzer/collect/options.h"

/*
 * Reads cited bytes again. The evidence is opened and parsed in a child process in a reader's
 * sandbox only; a range on which the child dies or hangs is unreadable and another child goes on.
 */

enum { CITED_SAMPLE = 4096 };

enum cited_result { CITED_UNREADABLE = 0, CITED_MATCHES, CITED_DIFFERS };

/* What a locator says, and what was found there. Texts are borrowed. */
struct cited_range {
	size_t evidence;                     /* index */
	uint64_t volume_offset, volume_size; /* on the medium */
	uint32_t logical;                    /* n-th logical volume (LVM) there; 0: none */
	struct instant snapshot;             /* creation time; unset: the live volume */
	const char *file;                    /* path in the volume */
	uint64_t entry;
	const char *attribute; /* how icat names its stream, "128-4"; "" for plain content */
	uint64_t offset, size; /* bytes in the file; only LIMIT_LOCATOR_BYTES of them are hashed */
	const char *sha256;    /* 64 hex digits */
	enum cited_result result;
	char found[65]; /* the digest of the bytes read; "" when unreadable */
	uint8_t sample[CITED_SAMPLE]; /* the first bytes */
	size_t sample_size;
};

/* Fills the results. Errors are the machine's alone. */
MUST_USE enum status cited_read(const struct collect_evidence *evidence, size_t n_evidence,
				struct secret_list secrets, struct cited_range *ranges, size_t n,
				struct failure *why);

#endif
