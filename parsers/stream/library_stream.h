/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_STREAM_LIBRARY_STREAM_H
#define AVOUCH_PARSERS_STREAM_LIBRARY_STREAM_H

#include <sys/types.h>

#include "parsers/stream/stream.h"

/*
 * What all libyal libraries have in common: handles and errors are intptr_t behind pointers, and
 * errors of one libcerror layout.
 */
typedef intptr_t library_handle;

/*
 * Sets why from a libyal error, whose innermost message is the telling one, and frees the error.
 * format describes what was tried. Returns status.
 */
enum status failure_from_library(struct failure *why, enum status status, library_handle **error,
				 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A libbfio handle over a stream, which it borrows: libyal reads inside images through it. */
MUST_USE enum status bfio_over_stream(struct stream *stream, library_handle **ret,
				      struct failure *why);
void bfio_free(library_handle *bfio);
DEFINE_CLEANUP(library_handle *, bfio_free, bfio_free_p)

/* How a library reads media that it decodes: a virtual disk, a decrypted volume, a snapshot. */
struct library_reader {
	const char *name; /* "libvmdk", for messages */
	ssize_t (*read_at)(library_handle *handle, void *buffer, size_t size, off64_t offset,
			   library_handle **error);
	int (*close)(library_handle *handle, library_handle **error); /* may be NULL */
	int (*free)(library_handle **handle, library_handle **error);
};

/*
 * A stream of size bytes over an opened handle, which it takes over whether or not it succeeds, as
 * well as the libbfio handle below it (NULL when there is none).
 */
MUST_USE enum status stream_over_library(const struct library_reader *reader,
					 library_handle *handle, library_handle *bfio,
					 uint64_t size, struct stream **ret,
					 struct failure *why);

#endif
