/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COLLECT_VIEW_H
#define AVOUCH_ANALYZER_COLLECT_VIEW_H

#include "parsers/parser.h"

/*
 * A volume as the readers see it, whatever its file system: NTFS by its own reader, all others
 * through libtsk. Borrows the volume's stream.
 */
struct view;

/* STATUS_DECLINED when the volume holds no file system that is read. */
MUST_USE enum status view_open(struct stream *volume, struct view **ret, struct failure *why);
void view_close(struct view *view);
DEFINE_CLEANUP(struct view *, view_close, view_close_p)

const char *view_filesystem(const struct view *view);   /* "ntfs", "ext4"; never NULL */
/* The volume's label, in the arena; data NULL: none. Read on NTFS only. */
struct text view_label(struct view *view, struct arena *arena);
const char *view_entries_path(const struct view *view); /* where its entries stand: "/$MFT" */
/* The bytes that origins of filesystem.file traces name; NULL when they name none. */
struct stream *view_entries(struct view *view);

/* One file that a source may be made of. */
struct view_file {
	struct text path; /* borrowed until the visit returns */
	uint64_t entry, sequence;
	bool deleted;
};

typedef enum status view_visitor(void *payload, const struct view_file *file, struct failure *why);

/* Every file was visited; entries may be emitted still. */
typedef void view_visited(void *payload);

/*
 * Visits every file, live and deleted, then calls visited (may be NULL) once, also after a failure;
 * emits filesystem.file for every wanted entry, on NTFS after that, so that sources can be read
 * meanwhile. What could not be read goes to lost().
 */
MUST_USE enum status view_survey(struct view *view, struct parse_context *ctx,
				 view_visitor *visit, view_visited *visited, void *payload,
				 struct failure *why);

/* Whether all of a deleted file's content still stands. */
bool view_is_intact(struct view *view, uint64_t entry);

/* The attribute of any entry of an NTFS volume that stands for all its free clusters. */
#define VIEW_UNALLOCATED "$Unallocated"

/*
 * The content of a file, or with an attribute (NTFS) its stream of that name; "$I30" is a folder's
 * index. STATUS_END when it has none.
 */
MUST_USE enum status view_open_file(struct view *view, uint64_t entry, struct text attribute,
				    struct stream **ret, struct failure *why);

/* The content of a deleted file, of which what other files have taken since is unreadable. */
MUST_USE enum status view_open_deleted(struct view *view, uint64_t entry, struct stream **ret,
				       struct failure *why);

/* How icat names that stream of an entry, "128-4"; false when it cannot be told. */
enum { VIEW_ATTRIBUTE_SIZE = 24 };
bool view_attribute_id(struct view *view, uint64_t entry, struct text attribute,
		       char ret[VIEW_ATTRIBUTE_SIZE]);

/* What of a path names a stream: "$J" of "/$Extend/$UsnJrnl:$J"; empty when nothing does. */
struct text view_attribute(const struct view *view, struct text path);

/* See folder_path of parser.h; reads the whole table at its first use. */
struct text view_folder_path(struct view *view, struct parse_context *ctx, uint64_t reference);

#endif
