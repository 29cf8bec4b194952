/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_WINDOWS_SIGNER_H
#define AVOUCH_PARSERS_WINDOWS_SIGNER_H

#include "parsers/base/arena.h"
#include "parsers/base/span.h"

/*
 * Whom a PKCS #7 SignedData (DER; bytes behind it are passed over) names as its first signer: the
 * common name of the certificate's subject (RFC 2315, RFC 5280), or its organisation without one.
 * In the arena; data NULL when there is none. Nothing is verified.
 */
struct text signer_name(struct arena *arena, struct span pkcs7);

#endif
