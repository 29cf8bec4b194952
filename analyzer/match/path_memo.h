/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_MATCH_PATH_MEMO_H
#define AVOUCH_ANALYZER_MATCH_PATH_MEMO_H

#include "analyzer/match/trie.h"

/*
 * Volumes have files by the hundred thousand, and each is asked about: where the walk through the
 * trie stands behind a folder is kept for the folders asked about lately, so that only the name is
 * walked. Memory: some 100 bytes and the path for each of at most 2,048 folders.
 */
struct path_memo;

/* The trie must outlive the memo. NULL without memory. */
struct path_memo *path_memo_new(const struct trie *trie);
void path_memo_free(struct path_memo *memo);

/*
 * Whether some pattern fits the path: the answer of trie_find() on the normalised and folded path.
 * STATUS_DECLINED when the path is not spelt plainly, or on any failure: the caller walks it.
 */
MUST_USE enum status path_memo_ask(struct path_memo *memo, struct text path, bool *ret,
				   uint64_t *steps);

#endif
