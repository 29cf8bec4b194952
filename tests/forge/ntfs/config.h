/* SPDX-License-Identifier: Apache-2.0 */
/* What ntfs-3g's public headers expect of the configuration they were built with (Linux, little
 * endian). */
#ifndef FORGE_NTFS_CONFIG_H
#define FORGE_NTFS_CONFIG_H

#define HAVE_STDIO_H 1
#define HAVE_STDLIB_H 1
#define HAVE_STRING_H 1
#define HAVE_STDINT_H 1
#define HAVE_STDARG_H 1
#define HAVE_ERRNO_H 1
#define HAVE_TIME_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_CLOCK_GETTIME 1
#define HAVE_DECL_ENDIAN_H 1
#define HAVE_ENDIAN_H 1
#define HAVE_BYTESWAP_H 1
#define WORDS_LITTLEENDIAN 1

#endif
